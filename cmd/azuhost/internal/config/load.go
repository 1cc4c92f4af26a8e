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

// Source says where the configuration comes from. What is later in the struct
// is above what is before.
type Source struct {
	// Defaults are what keys are where nothing sets them, instead of Default.
	Defaults []Setting
	// File is the path of the config file. Empty: none.
	File string
	// Env are the variables of the environment, KEY=value. Those that do not
	// begin with EnvPrefix are ignored.
	Env []string
	// Flags are keys set by flags.
	Flags []Setting
	// Routes are routes set by flags, as PATH=PLUGIN.
	Routes []string
}

// Load reads a configuration and checks it, without looking into plugins. The
// error is Problems, all that were found; the Config holds what could be read
// all the same.
func Load(s Source) (*Config, error) {
	cfg := Default()
	cfg.file = s.File
	probs, over := flags(cfg, s.Defaults), Problems(nil)
	clear(cfg.origin) // nobody has set them
	overlay := func() {
		over = append(env(cfg, s.Env), flags(cfg, s.Flags)...)
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
	return cfg, append(probs, cfg.check()...).sorted()
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, plain(name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, plain(name, err)
	}
	return data, nil
}

// plain says what is wrong with a file without the name of the system call.
func plain(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s does not exist", name)
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// addRoutes adds routes written as PATH=PLUGIN, or changes the plugin of the
// one with that path.
func (c *Config) addRoutes(routes []string) Problems {
	var probs Problems
	for _, text := range routes {
		o := origin{name: "--route"}
		path, plugin, err := ParseRoute(text)
		if err != nil {
			probs = append(probs, Problem{Where: o.String(), order: o.order(), Text: err.Error()})
			continue
		}
		c.origin[routeKey(path)] = o
		c.origin[routeKey(path)+".plugin"] = o
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

// ParseRoute reads a route written as PATH=PLUGIN.
func ParseRoute(text string) (path, plugin string, err error) {
	path, plugin, ok := strings.Cut(text, "=")
	if !ok || path == "" || plugin == "" {
		return "", "", fmt.Errorf("%q must be PATH=PLUGIN, as in /echo=echo.wasm", text)
	}
	return path, plugin, nil
}
