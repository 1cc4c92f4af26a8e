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

// devProject is a plugin that is developed.
type devProject struct {
	*dev.Project
	pattern string // that the command line has in front of it; empty: none
}

// add reads arguments: paths, or patterns and paths. Plugins are written to
// folders in out.
func (d *devOutput) add(args []string, out, language string) error {
	for i, arg := range args {
		pattern, path, ok := strings.Cut(arg, "=")
		if !ok || !strings.HasPrefix(pattern, "/") || strings.ContainsRune(pattern, filepath.Separator) && exists(arg) {
			pattern, path = "", arg
		}
		place, err := toolchain.Locate(path, language)
		if err != nil {
			return err
		}
		file := filepath.Join(out, strconv.Itoa(i), place.Name+".wasm")
		d.projects = append(d.projects, &devProject{&dev.Project{Path: path, Name: place.Name, Out: file, Location: place}, pattern})
	}
	return nil
}

// builds are the projects as their builder wants them.
func (d *devOutput) builds() []*dev.Project {
	var out []*dev.Project
	for _, p := range d.projects {
		out = append(out, p.Project)
	}
	return out
}

// blamed is the project whose plugin an error of the host is about: it names
// the file. nil: none.
func (d *devOutput) blamed(err error) *devProject {
	if err == nil {
		return nil
	}
	i := slices.IndexFunc(d.projects, func(p *devProject) bool { return strings.Contains(err.Error(), p.Out) })
	if i < 0 {
		return nil
	}
	return d.projects[i]
}

// configFile is the config file in the folder of a project, where one alone
// has one. Empty: none.
func (d *devOutput) configFile() string {
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

// devRoute is a route that is served with what a project builds.
type devRoute struct {
	path    string
	project *devProject
	inFile  bool // it is one of the configuration
}

// routes says where projects are served, with the routes of a configuration.
func (d *devOutput) routes(cfg *config.Config) ([]devRoute, error) {
	var out []devRoute
	for _, p := range d.projects {
		known := len(out)
		for _, r := range cfg.Routes {
			if file, err := filepath.Abs(string(r.Plugin)); err == nil && slices.Contains(p.Location.Outputs, file) {
				out = append(out, devRoute{r.Path, p, true})
			}
		}
		path := p.pattern
		if path == "" && len(out) == known {
			path = "/" + p.Name
		}
		if path != "" && !slices.ContainsFunc(out[known:], func(r devRoute) bool { return r.path == path }) {
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

// sayRoutes says which routes are those of the config file. What is wrong with
// it is said when it is served.
func (s *source) sayRoutes() error {
	file, err := s.find()
	if err != nil {
		return err
	}
	cfg, err := config.Load(s.from(file))
	if file != "" && !exists(file) {
		return s.report(err)
	}
	routes, err := s.dev.routes(cfg)
	if err != nil {
		return err
	}
	for _, r := range routes {
		switch {
		case r.inFile && file != "":
			s.dev.console.Line(slog.LevelInfo, r.project.Name, fmt.Sprintf("is served at %s, as %s says", r.path, file))
		case file != "" && r.project.pattern == "":
			s.dev.console.Line(slog.LevelInfo, r.project.Name, fmt.Sprintf("is served at %s: no route of %s has the plugin %s", r.path, file, r.project.Location.Outputs[0]))
		}
	}
	return nil
}

// loadDev reads the configuration, and puts what projects build into its
// routes. Those whose plugins nobody has built are left out.
func (s *source) loadDev(from config.Source) (*config.Config, error) {
	cfg, _ := config.Load(from) // what is wrong with it shows again below
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
		s.dev.console.Line(slog.LevelWarn, "", fmt.Sprintf("the route %s is left out: %s does not exist", r.Path, r.Plugin))
		probs = slices.DeleteFunc(probs, func(p config.Problem) bool { return p.Route == r.Path })
		return true
	})
	if len(probs) == 0 {
		return cfg, nil
	}
	return cfg, probs
}
