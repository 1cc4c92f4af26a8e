package main

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/config"
	"github.com/azuhost/azuhost/cmd/azuhost/internal/dev"
	"github.com/azuhost/azuhost/cmd/azuhost/internal/toolchain"
)

// devProject is a project that azuhost dev builds and serves.
type devProject struct {
	*dev.Project
	pattern string // in front of the argument, or empty
}

// addProjects adds the projects of args, each of which is PATH or PATTERN=PATH. Their plugins are written to folders in
// out.
func (d *devSession) addProjects(args []string, out, language string) error {
	for i, arg := range args {
		pattern, path := splitDevArg(arg)
		location, err := toolchain.Locate(path, language)
		if err != nil {
			return err
		}
		file := filepath.Join(out, strconv.Itoa(i), location.Name+".wasm")
		p := &dev.Project{Path: path, Name: location.Name, Out: file, Location: location}
		d.projects = append(d.projects, &devProject{p, pattern})
	}
	return nil
}

// splitDevArg splits an argument into its pattern, which may be empty, and its path. An argument that is the path of a
// file has no pattern, even with a "=" in it.
func splitDevArg(arg string) (pattern, path string) {
	pattern, path, ok := strings.Cut(arg, "=")
	if !ok || !strings.HasPrefix(pattern, "/") || strings.ContainsRune(pattern, filepath.Separator) && exists(arg) {
		return "", arg
	}
	return pattern, path
}

// builds returns the projects for dev.NewBuilder.
func (d *devSession) builds() []*dev.Project {
	var out []*dev.Project
	for _, p := range d.projects {
		out = append(out, p.Project)
	}
	return out
}

// projectOf returns the project whose plugin file an error of the host names, or nil if there is none.
func (d *devSession) projectOf(err error) *devProject {
	if err == nil {
		return nil
	}
	for _, p := range d.projects {
		if strings.Contains(err.Error(), p.Out) {
			return p
		}
	}
	return nil
}

// configFile returns the config file in the folder of a project. It is empty if no project, or more than one, has one.
func (d *devSession) configFile() string {
	var found []string
	for _, p := range d.projects {
		if file := filepath.Join(p.Location.ProjectDir, defaultFile); exists(file) && !slices.Contains(found, file) {
			found = append(found, file)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// devRoute is a route that serves the plugin of a project.
type devRoute struct {
	path    string
	project *devProject
	inFile  bool // the configuration has this route
}

// routes returns the routes that serve projects. A project is served at the routes of cfg that have its plugin file,
// and at its pattern. Without either, it is served at its name. Two projects at one path are an error.
func (d *devSession) routes(cfg *config.Config) ([]devRoute, error) {
	var out []devRoute
	for _, p := range d.projects {
		own := len(out) // index of the first route of p
		for _, r := range cfg.Routes {
			if file, err := filepath.Abs(string(r.Plugin)); err == nil && slices.Contains(p.Location.Outputs, file) {
				out = append(out, devRoute{r.Path, p, true})
			}
		}
		path := p.pattern
		if path == "" && len(out) == own {
			path = "/" + p.Name
		}
		if path != "" && !slices.ContainsFunc(out[own:], func(r devRoute) bool { return r.path == path }) {
			inFile := slices.ContainsFunc(cfg.Routes, func(r config.Route) bool { return r.Path == path })
			out = append(out, devRoute{path, p, inFile})
		}
	}
	for i, r := range out {
		if j := slices.IndexFunc(out, func(o devRoute) bool { return o.path == r.path }); j < i {
			return nil, fmt.Errorf("%s and %s are both served at %s: put another pattern in front of one, as in /other=%s",
				out[j].project.Path, r.project.Path, r.path, r.project.Path)
		}
	}
	return out, nil
}

// logDevRoutes logs the routes at which projects are served if there is a config file. It does not report mistakes in
// the file, except that it does not exist.
func (s *configSource) logDevRoutes() error {
	file, err := s.findFile()
	if err != nil {
		return err
	}
	cfg, err := config.Load(s.sourceOf(file))
	if file != "" && !exists(file) {
		return s.report(err)
	}
	routes, err := s.dev.routes(cfg)
	if err != nil || file == "" {
		return err
	}
	for _, r := range routes {
		text := ""
		switch {
		case r.inFile:
			text = fmt.Sprintf("served at %s, a route of %s", r.path, file)
		case r.project.pattern == "":
			text = fmt.Sprintf("served at %s: no route of %s has the plugin %s", r.path, file, r.project.Location.Outputs[0])
		default:
			continue
		}
		s.dev.console.Line(slog.LevelInfo, r.project.Name, text)
	}
	return nil
}

// loadDev loads the configuration with the plugins of the projects in its routes. It removes routes whose plugins do
// not exist, with a warning: another command may build them.
func (s *configSource) loadDev(from config.Source) (*config.Config, error) {
	cfg, _ := config.Load(from) // the second Load below returns its problems
	routes, err := s.dev.routes(cfg)
	if err != nil {
		return nil, err
	}
	from.Routes = slices.Clone(from.Routes)
	for _, r := range routes {
		from.Routes = append(from.Routes, r.path+"="+r.project.Out)
	}
	cfg, err = config.Load(from)
	probs := config.Problems(nil)
	if !errors.As(err, &probs) {
		return cfg, err
	}
	cfg.Routes = slices.DeleteFunc(cfg.Routes, func(r config.Route) bool {
		if r.Plugin == "" || exists(string(r.Plugin)) {
			return false
		}
		text := fmt.Sprintf("route %s is not served: %s does not exist", r.Path, r.Plugin)
		s.dev.console.Line(slog.LevelWarn, "", text)
		probs = slices.DeleteFunc(probs, func(p config.Problem) bool { return p.Route == r.Path })
		return true
	})
	if len(probs) == 0 {
		return cfg, nil
	}
	return cfg, probs
}
