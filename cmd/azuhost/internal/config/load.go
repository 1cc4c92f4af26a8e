package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// Source holds the layers of a configuration. A later field overrides the fields before it.
type Source struct {
	// Defaults replaces values of Default.
	Defaults []Setting
	// File is the path of the config file. Empty: no file.
	File string
	// Env lists the variables of the environment as KEY=value. Load ignores those that do not begin with EnvPrefix.
	Env []string
	// Flags lists the keys that flags set.
	Flags []Setting
	// Routes lists the routes that flags set, as PATH=PLUGIN.
	Routes []string
}

// Load reads a configuration and validates it. It does not read plugins. The error is Problems with all problems that
// it found. With an error it also returns the parts that it could read.
func Load(s Source) (*Config, error) {
	cfg := Default()
	cfg.file = s.File
	probs, over := cfg.applyFlags(s.Defaults), Problems(nil)
	clear(cfg.origin) // a default is not set by the user
	overlay := func() {
		over = append(cfg.applyEnv(s.Env), cfg.applyFlags(s.Flags)...)
	}
	if s.File != "" {
		data, err := readFile(s.File)
		if err != nil {
			return cfg, Problems{{Text: "config file: " + err.Error()}}
		}
		probs = append(probs, decodeFile(cfg, s.File, data, overlay)...)
	} else {
		overlay()
	}
	probs = append(probs, over...)
	probs = append(probs, cfg.addRoutes(s.Routes)...)
	return cfg, append(probs, cfg.validate()...).sorted()
}

// readFile reads at most maxFile+1 bytes of a file.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fileError(name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fileError(name, err)
	}
	return data, nil
}

// fileError returns err, an error of the file name, without the name of the system call.
func fileError(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s does not exist", name)
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// addRoutes adds routes written as PATH=PLUGIN. If a route has the path already, its plugin is replaced.
func (c *Config) addRoutes(routes []string) Problems {
	var probs Problems
	for _, text := range routes {
		o := origin{name: "--route"}
		path, plugin, err := ParseRoute(text)
		if err != nil {
			probs = append(probs, Problem{Where: o.String(), order: o.order(), Text: err.Error()})
			continue
		}
		c.origin[routeName(path)] = o
		c.origin[routeName(path)+".plugin"] = o
		i := slices.IndexFunc(c.Routes, func(r Route) bool { return r.Path == path })
		if i < 0 {
			r := c.Defaults.clone()
			r.Path = path
			c.Routes = append(c.Routes, r)
			i = len(c.Routes) - 1
		}
		c.Routes[i].Plugin = Path(plugin)
	}
	return probs
}

// ParseRoute parses a route written as PATH=PLUGIN.
func ParseRoute(text string) (path, plugin string, err error) {
	path, plugin, ok := strings.Cut(text, "=")
	if !ok || path == "" || plugin == "" {
		return "", "", fmt.Errorf("%q must be PATH=PLUGIN, as in /echo=echo.wasm", text)
	}
	return path, plugin, nil
}
