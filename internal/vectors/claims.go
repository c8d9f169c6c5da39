package vectors

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
)

// claim says that the tests of a package use rows: a whole group of a file, or some of it.
type claim struct {
	pkg, file, group string
	rows             []string // nil: all
}

// The files every row of which is claimed or excused.
const (
	primitives = "scp_primitives.json"
	sessions   = "scp_sessions.json"
	install    = "gp_install_params.json"
	parsing    = "gp_parsing.json"
	t0         = "t0_behaviour.json"
)

var claims = []claim{
	{"apdu", t0, "traces", nil},
	{"apdu", t0, "status_words", nil},
	{"tlv", parsing, "tlv", nil},
	{"tlv", install, "sd_parameters", nil},
	{"internal/crypt", primitives, "aes_cmac", nil},
	{"internal/crypt", primitives, "des_mac", nil},
	{"internal/crypt", primitives, "padding", nil},
	{"internal/crypt", primitives, "two_key_to_three_key", nil},
	{"gp", primitives, "scp03_kdf", nil},
	{"gp", primitives, "scp03_mac", []string{"B7"}},
	{"gp", primitives, "initialize_update", nil},
	{"gp", primitives, "kcv", nil},
	{"gp", primitives, "max_command_data", nil},
	{"gp", primitives, "session_keys", []string{"C1", "C1a"}},
	{"gp", primitives, "diversification", nil},
	{"gp", primitives, "diversification_layouts", nil},
	{"gp", primitives, "key_encryption", nil},
	{"gp", primitives, "put_key", nil},
	{"gp", primitives, "store_data_keys", nil},
	{"gp", sessions, "", nil},
	{"gp", install, "install_parameters", nil},
	{"gp", install, "uicc_parameters", nil},
	{"gp", install, "access_domains", nil},
	{"gp", install, "sim_parameters", nil},
	{"gp", install, "command_data", nil},
	{"gp", install, "commands", nil},
	{"gp", install, "store_data_blocks", nil},
	{"gp", install, "privileges", nil},
	{"gp", parsing, "select_fci", nil},
	{"gp", parsing, "card_data", nil},
	{"gp", parsing, "card_capabilities", nil},
	{"gp", parsing, "key_information", nil},
	{"gp", parsing, "key_information_entries", nil},
	{"gp", parsing, "cplc", nil},
	{"gp", parsing, "get_status", nil},
	{"gp", parsing, "card_resources", nil},
	{"gp", parsing, "get_status_paging", nil},
	{"gp", parsing, "get_data", nil},
	{"gp", parsing, "initialize_update_malformed", nil},
	{"gp/scp01", sessions, "", []string{"A1", "A7", "A9"}},
	{"gp/scp01", primitives, "session_keys", []string{"C2"}},
	{"gp/scp02", primitives, "scp02_mac_chain", nil},
	{"gp/scp03", primitives, "scp03_mac", []string{"B7a", "B7b"}},
	{"gp/scp03", primitives, "scp03_encryption", nil},
	{"gp/scp03", primitives, "behaviour", nil},
	{"gp/scp03", sessions, "", []string{
		"A3", "A11", "A12", "A13", "A14", "A15", "A18", "A23", "A24", "A25", "A26", "A27", "A28", "A29", "A30", "A31",
	}},
	{"gp/capfile", install, "load_file_hash", []string{"F51-1", "F51-2"}},
}

// excused rows are used by no test, and why.
var excused = map[string]string{
	"F8":    "input of a token: delegated management is not offered",
	"F50-1": "the CAP file is not here",
	"F50-2": "the CAP file is not here",
}

// ids gives the ids of a file by group, in order; a file that is one array has the group "".
func ids(file string) (map[string][]string, error) {
	_, self, _, _ := runtime.Caller(0)
	b, err := os.ReadFile(filepath.Join(filepath.Dir(self), "..", "..", "testdata", "vectors", file))
	if err != nil {
		return nil, err
	}
	groups := map[string][]struct{ ID string }{}
	if err := json.Unmarshal(b, &groups); err != nil {
		var rows []struct{ ID string }
		if err := json.Unmarshal(b, &rows); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		groups[""] = rows
	}
	out := map[string][]string{}
	for name, rows := range groups {
		for _, r := range rows {
			out[name] = append(out[name], r.ID)
		}
	}
	return out, nil
}

// ids gives the rows of a claim, which must be in the file.
func (c claim) ids() ([]string, error) {
	groups, err := ids(c.file)
	if err != nil {
		return nil, err
	}
	all := groups[c.group]
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no rows in group %q", c.file, c.group)
	}
	for _, id := range c.rows {
		if !slices.Contains(all, id) {
			return nil, fmt.Errorf("%s has no row %s in group %q", c.file, id, c.group)
		}
	}
	if c.rows != nil {
		return c.rows, nil
	}
	return all, nil
}

// claimed gives the rows the tests of a package must use.
func claimed(pkg string) ([]string, error) {
	var out []string
	for _, c := range claims {
		if c.pkg != pkg {
			continue
		}
		rows, err := c.ids()
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no rows are claimed for %s", pkg)
	}
	return out, nil
}
