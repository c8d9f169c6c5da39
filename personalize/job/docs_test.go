package job

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/simbind/simbind/personalize/keys"
)

func guide(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../docs/bench.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestGuideNamesEverything: a column or field that docs/bench.md does not name is known to nobody.
func TestGuideNamesEverything(t *testing.T) {
	text := guide(t)
	var names []string
	names = append(names, Columns()...)
	for prefix, group := range map[string]fields{
		"": topFields, "channel.": channelFields, "keys.": keyFields, "backups.": backupFields, "approval.": approvalFields, "hooks.": hookFields, "output.": outputFields, "template": templateFields,
	} {
		for name := range group {
			names = append(names, strings.TrimPrefix(prefix+name, "template"))
		}
	}
	names = append(slices.Collect(maps.Keys(cardFields)), names...)
	names = append(slices.Collect(maps.Keys(batchFields)), names...)
	names = append(slices.Collect(maps.Keys(keys.TokenFields)), names...)
	for _, name := range names {
		if strings.Contains(text, "`"+name+"`") || strings.Contains(text, "`"+name+".") {
			continue
		}
		t.Errorf("docs/bench.md does not name %s", name)
	}
}

var fence = regexp.MustCompile("(?s)```(yaml|csv)\n(.*?)```")

// TestWorkedExample: the example of docs/bench.md is what it says it is.
func TestWorkedExample(t *testing.T) {
	dir := t.TempDir()
	blocks := fence.FindAllStringSubmatch(guide(t), -1)
	files := []string{"job.yaml", "cards.csv", "keys.csv"}
	if len(blocks) < len(files) {
		t.Fatalf("%d blocks", len(blocks))
	}
	for i, name := range files {
		writeFile(t, filepath.Join(dir, name), blocks[i][2], 0o600)
	}
	template := blocks[len(blocks)-1][2]
	writeFile(t, filepath.Join(dir, "output.yaml"), template, 0o600)
	j, err := Load(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if j.Len() != 4 || j.Schemes != [3]int{1, 2, 1} || j.Warnings.Total != 1 || !j.Approval.Required {
		t.Errorf("%d cards, %v, warnings: %v", j.Len(), j.Schemes, &j.Warnings)
	}
	if want := "digest         " + j.Digest[:8] + "…"; !strings.Contains(guide(t), want) {
		t.Errorf("the example does not say %q", want)
	}
	if _, _, err := outputJob(t, template); err != nil || !strings.Contains(template, "encrypt_to") {
		t.Errorf("the template of the example: %v", err)
	}
	f, err := j.OpenKeys()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, iccid := range j.ICCIDs() {
		if _, err := f.Card(iccid, ""); err != nil {
			t.Error(err)
		}
	}
}
