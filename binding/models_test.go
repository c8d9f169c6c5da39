package binding

import (
	"strings"
	"testing"
)

func TestReadModels(t *testing.T) {
	for name, row := range map[string]struct {
		text string
		want string // of TAC 49015420, or the refusal
	}{
		"commas":               {"tac,brand,model\n49015420,Acme,Alpha 1\n", "Acme Alpha 1"},
		"semicolons, a mark":   {"\uFEFFtac;brand;model\n49015420;Acme;Alpha, the first\n", "Acme Alpha, the first"},
		"other columns, order": {"model,year,TAC,Brand\nAlpha 1,2020,49015420,Acme\n", "Acme Alpha 1"},
		"comments and CRLF":    {"tac,brand,model\r\n# mine\r\n\r\n49015420,Acme,\r\n", "Acme"},
		"the last one counts":  {"tac,brand,model\n49015420,A,1\n49015420,B,2\n", "B 2"},
		"control characters":   {"tac,brand,model\n49015420,\"Ac\x1b[31mme\",Alpha\n", "Ac[31mme Alpha"},
		"a long name":          {"tac,brand,model\n49015420," + strings.Repeat("x", 500) + ",\n", strings.Repeat("x", maxModelName)},
		"another TAC":          {"tac,brand,model\n35209900,Beta,Two\n", ""},
		"empty":                {"", "t.csv:1: no line with the columns"},
		"no header":            {"49015420,Acme,Alpha\n", "t.csv:1: the columns tac, brand and model are needed"},
		"short TAC":            {"tac,brand,model\n4901542,Acme,Alpha\n", "t.csv:2: a TAC is 8 digits"},
		"TAC with letters":     {"tac,brand,model\n4901542X,Acme,Alpha\n", "t.csv:2: a TAC is 8 digits"},
		"few cells":            {"tac,brand,model\n49015420,Acme\n", "t.csv:2: fewer cells than columns"},
		"a quote too many":     {"tac,brand,model\n49015420,\"Acme,Alpha\n", "t.csv: "},
	} {
		models, err := ReadModels(strings.NewReader(row.text), "t.csv")
		m, _ := models.Find("490154203237518")
		got := m.String()
		if err != nil {
			got = err.Error()
		}
		if got != row.want && !(err != nil && strings.HasPrefix(got, row.want)) {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
	}
	if _, ok := (Models{"49015420": {}}).Find("4901542"); ok {
		t.Error("an IMEI shorter than a TAC was found")
	}
}

func FuzzReadModels(f *testing.F) {
	f.Add("tac,brand,model\n49015420,Acme,Alpha 1\n")
	f.Add("\uFEFFtac;brand;model\n# no\n49015420;\"A\"\"cme\";\n")
	f.Fuzz(func(t *testing.T, text string) {
		models, err := ReadModels(strings.NewReader(text), "t.csv")
		if err != nil {
			return
		}
		for tac, m := range models {
			if len(tac) != tacDigits || len([]rune(m.Brand)) > maxModelName || strings.ContainsFunc(m.String(), func(r rune) bool { return r < ' ' || r >= 0x7F && r < 0xA0 }) {
				t.Fatalf("%q: %+v", tac, m)
			}
		}
	})
}
