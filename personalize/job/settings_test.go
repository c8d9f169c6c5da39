package job

import (
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize/keys"
)

const (
	annasKey  = "3c1f3c1f3c1f3c1f3c1f3c1f3c1f3c1f3c1f3c1f3c1f3c1f3c1f3c1f3c1f3c1f"
	bertsKey  = "4d2e4d2e4d2e4d2e4d2e4d2e4d2e4d2e4d2e4d2e4d2e4d2e4d2e4d2e4d2e4d2e"
	recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
)

const everything = `name: march 500
cards: list.csv
defaults:
  scheme: preset
  imei_prefix: 35209900
  no_imei: allow
  strict_start: yes
  refresh: 02
  terminals: 2
channel: {level: "33", aid: F053494D42494E4401, security_domain: A000000151000000}
keys:
  file: keys.csv.age
  identity: /etc/simbind/bench.txt
backups:
  folder: backups
  recipients: [` + recipient + `]
approval:
  required: yes
  approvers:
    - {operator: anna, key: ` + annasKey + `}
    - {operator: bert, key: ` + bertsKey + `}
failures_in_a_row: 3
attempts_per_card: 2
hooks:
  get: [./feeder, next]
  good: [feeder, "bin 1"]
  bad: [/usr/bin/feeder, bin, 2]
allow_test_imei: yes
allow_duplicate_imei: no
`

func TestReadsEveryField(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "job.yaml"), everything, 0o644)
	writeFile(t, filepath.Join(dir, "list.csv"), "iccid,scheme,imei,no_imei\n"+card+",,,\n"+next+",,358240051111110,deny\n8988211320300000028,off,,\n", 0o644)
	j, err := Load(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := Settings{
		Name: "march 500", Folder: dir, Cards: filepath.Join(dir, "list.csv"),
		Channel:  Channel{Level: 0x33, AID: []byte("\xF0SIMBIND\x01"), Domain: []byte{0xA0, 0, 0, 1, 0x51, 0, 0, 0}},
		Keys:     KeySource{File: filepath.Join(dir, "keys.csv.age"), Identity: "/etc/simbind/bench.txt"},
		Backups:  Backups{Folder: filepath.Join(dir, "backups"), Recipients: []string{recipient}},
		Approval: Approval{Required: true, Approvers: []Approver{{"anna", annasKey}, {"bert", bertsKey}}}, FailuresInARow: 3, Attempts: 2,
		Hooks:         Hooks{Get: []string{filepath.Join(dir, "feeder"), "next"}, Good: []string{"feeder", "bin 1"}, Bad: []string{"/usr/bin/feeder", "bin", "2"}},
		AllowTestIMEI: true,
	}
	if diff := cmp.Diff(want, j.Settings, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		t.Error(diff)
	}
	prefix := binding.Pattern{0x35, 0x20, 0x99, 0x00, 0xFF, 0xFF, 0xFF}
	device := binding.Pattern{0x35, 0x82, 0x40, 0x05, 0x11, 0x11, 0x11}
	for iccid, want := range map[string]binding.Configuration{
		card:                  {Scheme: binding.Preset, Patterns: []binding.Pattern{prefix}, Policy: binding.AllowNoIMEI | binding.StrictStart},
		next:                  {Scheme: binding.Preset, Patterns: []binding.Pattern{device}, Policy: binding.StrictStart},
		"8988211320300000028": {Scheme: binding.Off, Policy: binding.AllowNoIMEI | binding.StrictStart},
	} {
		want.Denial, want.Refresh, want.MaxTerminals = binding.DefaultDenial, 0x02, 2
		row, ok := j.Row(iccid)
		if diff := cmp.Diff(want, row.Configuration); !ok || diff != "" {
			t.Errorf("%s: %v %s", iccid, ok, diff)
		}
	}
	if !cmp.Equal(j.ICCIDs(), []string{card, next, "8988211320300000028"}) {
		t.Errorf("%v", j.ICCIDs())
	}
}

func TestTokenOfKeys(t *testing.T) {
	dir := t.TempDir()
	path := writeFile(t, filepath.Join(dir, "batch.yml"), `keys:
  pkcs11: {module: /usr/lib/softhsm/libsofthsm2.so, token: bench, pin_file: pin, enc: "{key}-enc", mac: "{key}-mac", kvn: 30, diversification: kdf3}
`, 0o644)
	writeFile(t, filepath.Join(dir, "cards.csv"), "iccid,scheme,key\n"+card+",off,march\n", 0o644)
	j, err := Load(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := &keys.Token{Module: "/usr/lib/softhsm/libsofthsm2.so", Label: "bench", PINFile: filepath.Join(dir, "pin"), ENC: "{key}-enc", MAC: "{key}-mac", KVN: 0x30, Diversification: gp.KDF3}
	if diff := cmp.Diff(want, j.Keys.Token); diff != "" {
		t.Error(diff)
	}
	if row, _ := j.Row(card); row.Key != "march" || j.Name != "batch" {
		t.Errorf("key %q of job %q", row.Key, j.Name)
	}
}

// TestSettingsSentences: every fault of job.yaml, word for word.
func TestSettingsSentences(t *testing.T) {
	for _, row := range []struct{ name, text, want string }{
		{"empty", "", "1:1: the file is empty; a job names at least its cards"},
		{"comments alone", "# x\n", "1:1: the file says nothing; a job names at least its cards"},
		{"no mapping", "- x\n", "1:1: a mapping is expected here; write name: value, a line each"},
		{"not YAML", "name: [x\n", "1:1: not YAML: did not find expected ',' or ']'; look at indents, colons and quotes"},
		{"unknown field", "name: x\ncolour: red\n", `2:1: "colour": unknown field; known are allow_duplicate_imei, allow_test_imei, approval, attempts_per_card, backups, cards, channel, defaults, failures_in_a_row, hooks, keys, name, output`},
		{"unknown field of a group", "hooks:\n  best: [x]\n", `2:3: "hooks.best": unknown field; known are bad, get, good`},
		{"field twice", "name: x\nname: y\n", "2:1: name: field stands twice; remove one of the two"},
		{"name", "name: \"a\\tb\"\n", "1:7: name: a name of 1 to 200 bytes, without control characters"},
		{"list for a value", "name: [x]\n", "1:7: name: one value is expected here; write it behind the colon, without lists and references"},
		{"nothing for a value", "name:\n", "1:6: name: one value is expected here; write it behind the colon, without lists and references"},
		{"reference", "name: &a x\ncards: *a\n", "2:8: cards: one value is expected here; write it behind the colon, without lists and references"},
		{"level", "channel: {level: 02}\n", "1:18: channel.level: 01, 03, 11, 13 or 33"},
		{"AID", "channel: {aid: A0}\n", "1:16: channel.aid: an AID is 10 to 32 hex digits"},
		{"failures", "failures_in_a_row: 0\n", "1:20: failures_in_a_row: a number from 1 to 1000 is expected here"},
		{"attempts", "attempts_per_card: many\n", "1:20: attempts_per_card: a number from 1 to 10 is expected here"},
		{"yes or no", "allow_test_imei: perhaps\n", "1:18: allow_test_imei: yes or no"},
		{"hook as a text", "hooks:\n  get: feeder next\n", "2:8: hooks.get: a list is expected here; write [first, second]"},
		{"hook without a program", "hooks: {get: [\"\"]}\n", "1:14: hooks.get: no command; the first of the list is the program"},
		{"recipient", "backups: {recipients: [x]}\n", "1:24: backups.recipients: no age recipient; age-keygen prints it as the public key: age1…"},
		{"default of a card", "defaults: {imei: 490154203237518}\n", `1:12: "defaults.imei": unknown field; known are deny_imsi, imei_pattern, imei_prefix, imei_range, keep_location, key, no_imei, observe_only, open_identity, pairing_status, refresh, scheme, strict_start, terminals`},
		{"default", "defaults:\n  scheme: prset\n", "2:11: defaults.scheme: none of off, first-insert, preset"},
		{"two sources", "keys:\n  file: k\n  pkcs11: {module: m, token: t, enc: e, mac: f, diversification: emv}\n", "1:1: keys: both a file and a token; name one source of keys"},
		{"half a token", "keys:\n  pkcs11: {module: m}\n", "2:11: keys.pkcs11: missing: token, enc, mac"},
		{"token without derivation", "keys:\n  pkcs11: {module: m, token: t, enc: e, mac: f}\n", "2:11: keys.pkcs11: masters in a token need a diversification: emv, visa2, visa or kdf3"},
		{"one approver", "approval:\n  required: yes\n  approvers: [{operator: anna, key: " + annasKey + "}]\n", "1:1: approval: one approver alone cannot be two; name another, or none"},
		{"approvers for nothing", "approval:\n  approvers: [{operator: a, key: " + annasKey + "}, {operator: b, key: " + bertsKey + "}]\n", "1:1: approval: approvers are named, but no approval is asked for; write required: yes"},
		{"one key for two", "approval:\n  required: yes\n  approvers: [{operator: a, key: " + annasKey + "}, {operator: b, key: " + annasKey + "}]\n", "1:1: approval: approver 2 has the name or the key of another; two persons, two keys"},
		{"half an approver", "approval:\n  required: yes\n  approvers: [{operator: a}, {operator: b, key: " + annasKey + "}]\n", "3:15: approval.approvers: an approver has operator and key; 'simbind audit key new' prints the key"},
		{"approver's key", "approval:\n  required: yes\n  approvers: [{operator: a, key: 12}, {operator: b, key: " + annasKey + "}]\n", "3:34: approval.approvers.key: a public key is 64 hex digits"},
		{"output without a file", "output: {template: x}\n", "1:1: output: template and file go together; name both, or neither"},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := writeFile(t, filepath.Join(t.TempDir(), "j.yaml"), row.text, 0o644)
			_, err := Load(path, Options{})
			var all *Faults
			if !errors.As(err, &all) {
				t.Fatalf("error %v", err)
			}
			if got := strings.TrimPrefix(all.List[0].Error(), path+":"); got != row.want {
				t.Errorf("%s\nwant %s", got, row.want)
			}
		})
	}
}

// TestFolders: what is missing is said by its name.
func TestFolders(t *testing.T) {
	dir := t.TempDir()
	_, err := Load(dir, Options{})
	if want := filepath.Join(dir, "job.yaml") + ":1:1: the folder has no job.yaml; a job is a folder with job.yaml and cards.csv, a YAML file, or a CSV file"; err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	writeFile(t, filepath.Join(dir, "job.yaml"), "name: x\n", 0o644)
	if _, err = Load(dir, Options{}); err == nil || !strings.Contains(err.Error(), "cards.csv") {
		t.Errorf("%v", err)
	}
	if _, err = Load(filepath.Join(dir, "none"), Options{}); err == nil || errors.As(err, new(*Faults)) {
		t.Errorf("%v", err)
	}
}

// TestDigest: it follows what is done, and not how or where it is written down.
func TestDigest(t *testing.T) {
	digest := func(settings, cards string) string {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "job")
		writeFile(t, filepath.Join(dir, "job.yaml"), settings, 0o644)
		writeFile(t, filepath.Join(dir, "cards.csv"), cards, 0o644)
		j, err := Load(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return j.Digest
	}
	const settings = "name: x\nkeys: {file: a.csv}\nhooks: {good: [./tray]}\n"
	cards := "iccid,imsi,scheme,imei\n" + card + ",001010000123456,preset,358240051111110\n" + next + ",,off,\n"
	want := digest(settings, cards)
	if len(want) != 64 || strings.ToLower(want) != want {
		t.Errorf("digest %q", want)
	}
	for name, same := range map[string][2]string{
		"semicolons, mark, CRLF": {settings, "\xEF\xBB\xBF" + strings.ReplaceAll(strings.ReplaceAll(cards, ",", ";"), "\n", "\r\n")},
		"order of columns":       {settings, "imei,scheme,iccid,imsi\n358240051111110,preset," + card + "F,001010000123456\n\n,off," + next + ",\n,,,\n"},
		"scheme from the IMEI":   {settings, strings.Replace(cards, "preset", "", 1)},
		"scheme as default":      {settings + "defaults: {scheme: off}\n", strings.Replace(cards, ",off", ",", 1)},
		"place of the keys":      {"name: x\nkeys: {file: /media/b.csv, identity: me}\nbackups: {folder: elsewhere}\nhooks: {good: [./tray]}\n", cards},
		"allowed in validation":  {settings + "allow_duplicate_imei: yes\n", cards},
		"quotes":                 {settings, strings.Replace(cards, card, `"`+card+`"`, 1)},
	} {
		if got := digest(same[0], same[1]); got != want {
			t.Errorf("%s: another digest", name)
		}
	}
	for name, other := range map[string][2]string{
		"name":      {strings.Replace(settings, "x", "y", 1), cards},
		"order":     {settings, "iccid,imsi,scheme,imei\n" + next + ",,off,\n" + card + ",001010000123456,preset,358240051111110\n"},
		"IMSI":      {settings, strings.Replace(cards, "123456", "123457", 1)},
		"scheme":    {settings, strings.Replace(cards, "off", "first-insert", 1)},
		"default":   {settings + "defaults: {no_imei: allow}\n", cards},
		"approval":  {settings + "approval: {required: yes}\n", cards},
		"channel":   {settings + "channel: {level: 33}\n", cards},
		"hooks":     {strings.Replace(settings, "tray", "bin", 1), cards},
		"limits":    {settings + "failures_in_a_row: 2\n", cards},
		"attempts":  {settings + "attempts_per_card: 1\n", cards},
		"recipient": {settings + "backups: {recipients: [" + recipient + "]}\n", cards},
		"a card":    {settings, cards + "8988211320300000028,,off,\n"},
	} {
		if got := digest(other[0], other[1]); got == want {
			t.Errorf("%s: the same digest", name)
		}
	}
}
