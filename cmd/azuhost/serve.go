package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func serveCommand(proc *process) *cobra.Command {
	var src *configSource
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve channels",
		Long: `Serve the channels of a config file, or of --route.

A flag overrides its AZUHOST_ variable in the environment, and a variable
overrides the config file. docs/CONFIG.md describes every key.

SIGHUP reads the configuration again. If it has a mistake, nothing changes.
SIGINT and SIGTERM shut down: new connections are refused with 503, and open
ones are closed over the time drain.spread. A second signal ends azuhost at once.`,
		Example: `  azuhost serve
  azuhost serve --config azuhost.yaml --listen 127.0.0.1:8080 --log-level debug
  azuhost serve --route /echo=echo.wasm --route /rooms/:room_id=rooms.wasm --playground
  azuhost serve --tls-cert cert.pem --tls-key key.pem`,
		Args: flagsOnly,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), src)
		},
	}
	src = addConfigFlags(cmd, proc)
	return cmd
}

// serve serves until ctx is done, or SIGINT or SIGTERM is received.
func serve(ctx context.Context, src *configSource) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)

	s, err := start(ctx, src)
	if err != nil {
		return err
	}
	// Until here, a signal ends the process: there are no connections to drain.
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	for {
		select {
		case <-hup:
			s.reload(ctx)
		case <-src.changes():
			s.reload(ctx)
		case err := <-s.public.failed():
			s.public.done <- err // listener.shutdown waits for it
			s.log.Error("public listener failed", "error", err)
			s.close()
			return errReported
		case err := <-s.internal.failed():
			s.internal.done <- err // listener.shutdown waits for it
			s.log.Error("internal listener failed", "error", err)
			s.close()
			return errReported
		case <-ctx.Done():
			stop() // from now on, a signal ends the process
			return s.close()
		}
	}
}
