package abi_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
)

// readPage returns sdk/ABI.md.
func readPage(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../sdk/ABI.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// table returns the rows of the page's only table with this first column. Cells
// that are quoted as a whole are without their backquotes.
func table(t *testing.T, page, column string) [][]string {
	t.Helper()
	_, after, found := strings.Cut(page, "| "+column+" | ")
	if !found || strings.Contains(after, "| "+column+" | ") {
		t.Fatalf("want exactly one table with the column %q", column)
	}
	lines := strings.Split(after, "\n")[2:] // skips the rest of the header and the delimiter row
	var rows [][]string
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i, c := range cells {
			c = strings.TrimSpace(c)
			if len(c) > 1 && c[0] == '`' && strings.Count(c, "`") == 2 && c[len(c)-1] == '`' {
				c = c[1 : len(c)-1]
			}
			cells[i] = c
		}
		rows = append(rows, cells)
	}
	return rows
}

// compare reports rows that are only in the page or only in the code.
func compare(t *testing.T, page [][]string, code [][]string) {
	t.Helper()
	key := func(row []string) string { return "| " + strings.Join(row, " | ") + " |" }
	inPage, inCode := map[string]bool{}, map[string]bool{}
	for _, r := range page {
		if inPage[key(r)] {
			t.Errorf("sdk/ABI.md has this row twice: %s", key(r))
		}
		inPage[key(r)] = true
	}
	for _, r := range code {
		inCode[key(r)] = true
		if !inPage[key(r)] {
			t.Errorf("sdk/ABI.md lacks: %s", key(r))
		}
	}
	for _, r := range page {
		if !inCode[key(r)] {
			t.Errorf("host/abi lacks: %s", key(r))
		}
	}
}

// function returns the first two cells of a function: its call and its type.
func function(name string, params []abi.Param, result abi.ValType) []string {
	var names, types []string
	for _, p := range params {
		names = append(names, p.Name)
		types = append(types, p.Type.String())
	}
	typ := fmt.Sprintf("(result %s)", result)
	if len(types) > 0 {
		typ = fmt.Sprintf("(param %s) %s", strings.Join(types, " "), typ)
	}
	return []string{fmt.Sprintf("%s(%s)", name, strings.Join(names, ", ")), typ}
}

func TestPageHooks(t *testing.T) {
	var code [][]string
	for _, d := range abi.Hooks {
		code = append(code, append(function(d.Name, d.Params, abi.I32), d.Inbox))
	}
	compare(t, table(t, readPage(t), "Hook"), code)
}

func TestPageImports(t *testing.T) {
	var code [][]string
	for _, d := range abi.Imports {
		code = append(code, append(function(d.Name, d.Params, d.Result), d.Doc))
	}
	compare(t, table(t, readPage(t), "Function"), code)
}

// TestPageErrors asks every number for its name, in order to find numbers that are
// only in the code.
func TestPageErrors(t *testing.T) {
	var page, code [][]string
	for _, row := range table(t, readPage(t), "Error") {
		page = append(page, row[:2])
	}
	for n := 0; n > -100; n-- {
		if name := abi.Errno(n).Name(); !strings.HasPrefix(name, "ERRNO_") {
			code = append(code, []string{name, fmt.Sprint(n)})
		}
	}
	compare(t, page, code)
}

func TestPageValues(t *testing.T) {
	page := readPage(t)
	compare(t, table(t, page, "Name"), [][]string{
		{"TEXT", fmt.Sprint(int(abi.Text)), "`kind` of a message"},
		{"BINARY", fmt.Sprint(int(abi.Binary)), "`kind` of a message"},
		{"DEBUG", fmt.Sprint(int(abi.Debug)), "`level` of `log`"},
		{"INFO", fmt.Sprint(int(abi.Info)), "`level` of `log`"},
		{"WARN", fmt.Sprint(int(abi.Warn)), "`level` of `log`"},
		{"ERROR", fmt.Sprint(int(abi.Error)), "`level` of `log`"},
		{"PRESENCE_LEAVE", fmt.Sprint(int(abi.PresenceLeave)), "`event` of `on_presence`"},
		{"PRESENCE_JOIN", fmt.Sprint(int(abi.PresenceJoin)), "`event` of `on_presence`"},
		{"COUNTER_ADD", fmt.Sprint(int(abi.CounterAdd)), "`op` of `metric`"},
		{"GAUGE_SET", fmt.Sprint(int(abi.GaugeSet)), "`op` of `metric`"},
		{"HISTOGRAM_OBSERVE", fmt.Sprint(int(abi.HistogramObserve)), "`op` of `metric`"},
	})
	compare(t, table(t, page, "Limit"), [][]string{
		{"MAX_NAME", fmt.Sprint(abi.MaxName), "bytes of a name"},
		{"MAX_CLOSE_REASON", fmt.Sprint(abi.MaxCloseReason), "bytes of the reason of `close`"},
		{"CALL_FUEL", fmt.Sprint(abi.CallFuel), "fuel that a call of a host function costs, of WASI, too"},
		{"BYTES_PER_FUEL", fmt.Sprint(abi.BytesPerFuel), "bytes, given or got, that cost one more"},
	})
	var answers [][]string
	for _, row := range table(t, page, "Answer") {
		answers = append(answers, row[:1])
	}
	compare(t, answers, [][]string{
		{"0"},
		{fmt.Sprintf("%d to %d", abi.MinRefuse, abi.MaxRefuse)},
		{fmt.Sprintf("%d to %d", abi.MinRefuseClose, abi.MaxRefuseClose)},
		{"anything else"},
	})
}

// TestPageNames checks names that are in no table.
func TestPageNames(t *testing.T) {
	page := readPage(t)
	for _, name := range []string{
		abi.VersionExport, abi.MemoryExport, abi.InitExport, abi.StartExport, abi.Module,
	} {
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("sdk/ABI.md does not mention %s", name)
		}
	}
	if want := fmt.Sprintf("# The azuhost ABI, v%d\n", abi.Version); !strings.HasPrefix(page, want) {
		t.Errorf("sdk/ABI.md does not begin with %q", want)
	}
	if abi.VersionExport != fmt.Sprintf("azu_v%d", abi.Version) {
		t.Errorf("%s does not contain version %d", abi.VersionExport, abi.Version)
	}
}

// TestPageExample checks that the functions in the WAT example of the page are in
// the tables, with the same types.
func TestPageExample(t *testing.T) {
	_, wat, found := strings.Cut(readPage(t), "```wat\n")
	wat, _, closed := strings.Cut(wat, "```")
	if !found || !closed {
		t.Fatal("the page has no example in WAT")
	}
	imports := regexp.MustCompile(`\(import "(\w+)" "(\w+)" \(func \$\w+ (.*)\)\)`).FindAllStringSubmatch(wat, -1)
	if len(imports) == 0 {
		t.Error("the example imports nothing")
	}
	for _, m := range imports {
		def, ok := abi.ImportByName(m[2])
		if want := function(def.Name, def.Params, def.Result)[1]; !ok || m[1] != abi.Module || m[3] != want {
			t.Errorf("the example imports %s, the table has %q", m[0], want)
		}
	}
	hook := regexp.MustCompile(`\(func \(export "(on_\w+)"\)((?: \(param \$\w+ i\d\d\))*) \(result i32\)`)
	hooks := hook.FindAllStringSubmatch(wat, -1)
	if len(hooks) == 0 {
		t.Error("the example exports no hook")
	}
	for _, m := range hooks {
		h, ok := abi.HookByName(m[1])
		if !ok {
			t.Errorf("the example exports %s, which is no hook", m[1])
			continue
		}
		want := ""
		for _, p := range abi.Hooks[h].Params {
			want += fmt.Sprintf(" (param $%s %s)", p.Name, p.Type)
		}
		if m[2] != want {
			t.Errorf("the example has %s%s, the table%s", m[1], m[2], want)
		}
	}
}
