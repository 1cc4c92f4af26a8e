package abi_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
)

// Every host function but read and fail has exactly one capability.
func TestCapabilities(t *testing.T) {
	count := map[string]int{"read": 1, "fail": 1}
	for _, d := range abi.Capabilities {
		for _, name := range d.Imports {
			count[name]++
		}
	}
	for _, im := range abi.Imports {
		if count[im.Name] != 1 {
			t.Errorf("%s is in %d capabilities, want 1", im.Name, count[im.Name])
		}
		delete(count, im.Name)
	}
	if len(count) > 0 {
		t.Errorf("capabilities with unknown functions: %v", count)
	}
	if c, ok := abi.CapabilityOf("fd_write", true); !ok || c != "stdio" {
		t.Errorf("fd_write needs %q", c)
	}
	if _, ok := abi.CapabilityOf("fd_write", false); ok {
		t.Error("azu.fd_write needs a capability")
	}
}

func TestPageCapabilities(t *testing.T) {
	var code [][]string
	for _, d := range abi.Capabilities {
		var names []string
		for _, n := range slices.Concat(d.Imports, d.WASI) {
			names = append(names, "`"+n+"`")
		}
		code = append(code, []string{string(d.Name), d.Doc, fmt.Sprint(strings.Join(names, " "))})
	}
	page := table(t, readPage(t), "Capability")
	for _, rows := range [][][]string{page, code} {
		for _, row := range rows {
			row[2] = strings.ReplaceAll(row[2], "`", "")
		}
	}
	compare(t, page, code)
}
