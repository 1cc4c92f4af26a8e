package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func serveCommand(w *world) *cobra.Command {
	var src *source
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve channels",
		Long: `Serve the channels of a config file, or of --route.

Flags stand above AZUHOST_ variables of the environment, and these above the
file. docs/CONFIG.md has every key.

SIGHUP reads the configuration again; where something is wrong with it nothing
changes. SIGINT and SIGTERM refuse new connections (503), close the open ones
over drain.spread, and end; a second signal ends at once.`,
		Example: `  azuhost serve
  azuhost serve --config azuhost.yaml --listen 127.0.0.1:8080 --log-level debug
  azuhost serve --route /echo=echo.wasm --route /rooms/:room_id=rooms.wasm --playground
  azuhost serve --tls-cert cert.pem --tls-key key.pem`,
		Args: flagsOnly,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), src)
		},
	}
	src = sourceFlags(cmd, w)
	return cmd
}

// serve serves until ctx is done or a signal says so.
func serve(ctx context.Context, src *source) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)

	s, err := start(ctx, src)
	if err != nil {
		return err
	}
	// Before start has returned a signal ends the process: nothing is open.
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	for {
		select {
		case <-hup:
			s.reload(ctx)
		case <-src.changes():
			s.reload(ctx)
		case err := <-s.public.failed():
			s.public.done <- err // for shutdown, which waits for it
			s.log.Error("the public listener failed", "error", err)
			s.close()
			return errSaid
		case err := <-s.internal.failed():
			s.internal.done <- err
			s.log.Error("the internal listener failed", "error", err)
			s.close()
			return errSaid
		case <-ctx.Done():
			stop() // from here a signal ends the process
			return s.close()
		}
	}
}
