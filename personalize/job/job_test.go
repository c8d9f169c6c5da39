package job

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/simbind/simbind/binding"
)

func TestReadsEveryColumn(t *testing.T) {
	text := "\xEF\xBB\xBFiccid;imsi;scheme;imei;imei_prefix;imei_range;imei_pattern;no_imei;strict_start;keep_location;refresh;terminals\r\n" +
		"8988211000000430010;001010000123456;preset;490154203237518 352099001761481;35693803;35209900176100-35209900176199;4901542032????;allow;yes;no;02;2\r\n" +
		"8988211000000467343;;first-insert;;;;;;;;;\r\n"
	j, err := Read(strings.NewReader(text), "cards.csv", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if j.Len() != 2 {
		t.Fatalf("%d rows", j.Len())
	}
	first, _ := j.Row("8988211000000430010")
	c := first.Configuration
	if c.Scheme != binding.Preset || len(c.Patterns) != 4 || len(c.Ranges) != 1 || c.MaxTerminals != 2 || c.Refresh != 0x02 {
		t.Errorf("row 1: %+v", c)
	}
	if c.Policy != binding.AllowNoIMEI|binding.StrictStart {
		t.Errorf("policy %v", c.Policy)
	}
	if first.IMSI != "001010000123456" {
		t.Errorf("IMSI %q", first.IMSI)
	}
	if row, ok := j.Row("8988211000000467343F"); !ok || row.Configuration.Scheme != binding.FirstInsert {
		t.Errorf("the second card: %v %+v", ok, row)
	}
	if _, ok := j.Row("8988211000000530082"); ok {
		t.Error("a card that is not in the job was found")
	}
}

// TestNamesThePlace: a fault is told by line and character, and the file's other faults with it.
func TestNamesThePlace(t *testing.T) {
	const head = "iccid,scheme,imei,imei_prefix,imei_range\n"
	rows := []struct {
		name, text, want string
	}{
		{"check digit", head + "8988211000000430010,preset,490154203237519,,\n", "j.csv:2:42: imei: "},
		{"second value of a cell", head + "8988211000000430010,preset,490154203237518 490154203237519,,\n", "j.csv:2:58: imei: "},
		{"prefix of seven", head + "8988211000000430010,preset,,4901542,\n", "j.csv:2:36: imei_prefix: "},
		{"range upside down", head + "8988211000000430010,preset,,,49015420323760-49015420323751\n", "j.csv:2:45: imei_range: "},
		{"letter in an IMEI", head + "8988211000000430010,preset,4901x4203237518,,\n", "j.csv:2:32: imei: "},
		{"unknown scheme", head + "8988211000000430010,prset,490154203237518,,\n", "j.csv:2:21: scheme: "},
		{"rounded ICCID", head + "8.98821E+18,off,,,\n", "j.csv:2:1: iccid: a spreadsheet"},
		{"short ICCID", head + "89882110000004,off,,,\n", "j.csv:2:1: iccid: "},
		{"no ICCID", head + ",off,,,\n", "j.csv:2:1: iccid: empty"},
		{"too few cells", head + "8988211000000430010,off\n", "j.csv:2:"},
		{"unknown column", "iccid,colour\n8988211000000430010,red\n", "j.csv:1:7: \"colour\": unknown column"},
		{"tabs", "iccid\tscheme\n8988211000000430010\tprset\n", "j.csv:2:21: scheme: "},
		{"REFRESH qualifier", "iccid,scheme,refresh\n8988211000000430010,off,77\n", "j.csv:2:25: refresh: "},
		{"short REFRESH qualifier", "iccid,scheme,refresh\n8988211000000430010,off,2\n", "j.csv:2:25: refresh: "},
		{"denial value", "iccid,scheme,imsi,deny_imsi\n8988211000000430010,first-insert,001010000123456,001010000123456\n", "j.csv:2:50: deny_imsi: the denial value"},
		{"off with an IMEI", head + "8988211000000430010,off,490154203237518,,\n", "j.csv:2:25: imei: off binds to nothing"},
		{"off with a range", head + "8988211000000430010,off,,,49015420323751-49015420323760\n", "j.csv:2:27: imei_range: off"},
		{"first insert with an IMEI", head + "8988211000000430010,first-insert,490154203237518,,\n", "j.csv:2:34: imei: a known IMEI"},
		{"column twice", "iccid,imsi,imsi\n8988211000000430010,,\n", "j.csv:1:12: imsi: column stands twice"},
		{"no column iccid", "imsi\n001010000123456\n", "j.csv:1:1: iccid: column missing"},
		{"no card", head, "j.csv:2:1: no card"},
		{"empty file", "", "j.csv:1:1: no header"},
		{"preset without entry", head + "8988211000000430010,preset,,,\n", "j.csv:2:21: scheme: "},
		{"nothing wanted", head + "8988211000000430010,,,,\n", "j.csv:2:21: scheme: neither"},
		{"card twice", head + "8988211000000430010,off,,,\n8988211000000430010,off,,,\n", "j.csv:3:1: iccid: the same ICCID stands in line 2"},
		{"IMEI twice", head + "8988211000000430010,,490154203237518,,\n8988211000000467343,,490154203237518,,\n", "j.csv:3:22: imei: the same IMEI stands in line 2"},
		{"test IMEI", head + "8988211000000430010,,001010000000016,,\n", "j.csv:2:22: imei: a test IMEI"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := Read(strings.NewReader(row.text), "j.csv", Options{})
			var all *Faults
			if !errors.As(err, &all) {
				t.Fatalf("error %v", err)
			}
			if !strings.HasPrefix(err.Error(), row.want) {
				t.Errorf("%q\nwant it to begin with %q", err, row.want)
			}
		})
	}
}

func TestTellsAllFaultsAtOnce(t *testing.T) {
	text := "iccid,imei\n8988211000000430010,490154203237519\nxx,\n8988211000000467343,123\n"
	_, err := Read(strings.NewReader(text), "j.csv", Options{})
	var all *Faults
	if !errors.As(err, &all) || all.Total != 3 {
		t.Fatalf("faults: %v", err)
	}
}

func TestAllowsOnRequest(t *testing.T) {
	text := "iccid,imei\n8988211000000430010,001010000000016\n8988211000000467343,001010000000016\n"
	if _, err := Read(strings.NewReader(text), "j.csv", Options{AllowTestIMEI: true, AllowSameIMEI: true}); err != nil {
		t.Error(err)
	}
}

// FuzzRead: whatever the bytes are, a job that is accepted gives every card back, as valid and as quickly as it took it.
func FuzzRead(f *testing.F) {
	f.Add([]byte("iccid,imei\n8988211000000430010,490154203237518\n"))
	f.Add([]byte("iccid;scheme\n\"8988211000000430010\";off\n"))
	f.Add([]byte("iccid,imei_range\n8988211000000430010,49015420323751-49015420323760\n"))
	f.Add([]byte("iccid,imei_pattern,deny_imsi\n8988211000000430010,4901542032????|35FFFFFFFFFFFF,00FFFFFFFFFFFFFFFF\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		j, err := Read(bytes.NewReader(b), "f.csv", Options{})
		var all *Faults
		if err != nil {
			if !errors.As(err, &all) || all.Total < len(all.List) || len(all.List) == 0 || len(all.List) > maxListed {
				t.Fatalf("error %v", err)
			}
			return
		}
		iccids := j.ICCIDs()
		if len(iccids) == 0 {
			t.Fatal("a job without cards")
		}
		for _, iccid := range iccids {
			r, ok := j.Row(iccid)
			if !ok || r.ICCID != iccid || r.Configuration.Validate(nil) != nil {
				t.Fatalf("accepted %+v", r)
			}
		}
	})
}

// FuzzSettings: job.yaml of any content is accepted, or refused with faults.
func FuzzSettings(f *testing.F) {
	f.Add([]byte(everything))
	f.Add([]byte("defaults: {scheme: off}\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var all *Faults
		if err := newJob("f.yaml").readSettings(b, "f.yaml"); err != nil && !errors.As(err, &all) {
			t.Fatalf("error %v", err)
		}
	})
}

// FuzzTemplate: a template of any content is accepted and can be filled, or is refused with faults.
func FuzzTemplate(f *testing.F) {
	f.Add([]byte("rows: all\nheader: [\"{job}\"]\ncolumns: [{name: a, value: \"{iccid}{{\"}]\n"))
	f.Add([]byte("columns: [{name: a, value: x, encrypt_to: a}]\nrecipients: {a: [" + recipient + "]}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		j, err := Read(strings.NewReader("iccid,scheme\n"+card+",off\n"), "f.csv", Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := &settings{job: j, file: "t.yaml", template: newTemplate()}
		s.document(b, templateFields, "")
		if s.faults.Total == 0 {
			s.templateTogether()
		}
		if s.faults.Total > 0 {
			return
		}
		j.template = s.template
		if _, err := j.WriteOutput(io.Discard, Batch{}, sequence(Done{ICCID: card, Outcome: "good"})); err != nil {
			t.Fatal(err)
		}
	})
}
