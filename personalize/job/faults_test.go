package job

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	head = "iccid,scheme,imei,imei_prefix\n"
	card = "8988211000000430010"
	next = "8988211000000467343"
)

// TestSentences: every fault of a file of cards, word for word.
func TestSentences(t *testing.T) {
	known := strings.Join(Columns(), ", ")
	for _, row := range []struct{ name, text, want string }{
		{"empty file", "", "j.csv:1:1: no header line; begin with the names of the columns, iccid among them"},
		{"comments alone", "# nothing\n\n", "j.csv:1:1: no header line; begin with the names of the columns, iccid among them"},
		{"no header", card + ",off\n", "j.csv:1:1: digits where the names of the columns are expected; begin with a header line, iccid among its names"},
		{"unknown column", "iccid,colour\n", `j.csv:1:7: "colour": unknown column; known are ` + known},
		{"column without a name", "iccid,,imsi\n", "j.csv:1:7: column 2 has no name; remove it, or give it one of the known names"},
		{"column twice", "iccid,imsi, IMSI\n", "j.csv:1:12: imsi: column stands twice; remove one of the two"},
		{"no column iccid", "imsi\n", "j.csv:1:1: iccid: column missing; name the column of the ICCIDs iccid"},
		{"many columns", strings.Repeat("a,", 100) + "b\n", "j.csv:1:1: 101 columns, at most 100 can be; known are " + known},
		{"no card", head, "j.csv:2:1: no card below the header; give each card a row with its ICCID"},
		{"UTF-16", "\xFF\xFEi\x00c\x00", "j.csv:1:1: the file is UTF-16; save it as \"CSV UTF-8\""},
		{"UTF-16 without a mark", "i\x00c\x00c\x00", "j.csv:1:1: the file holds zero bytes: UTF-16 without a mark, or no text at all; save it as \"CSV UTF-8\""},
		{"a workbook", "PK\x03\x04xlsx", "j.csv:1:1: the file is a workbook or an archive; export the sheet as CSV"},
		{"a quote that stays open", head + "\"" + card + ",off,,\n", "j.csv:2:1: a quote that is never closed; double a quote inside a cell, and put the cell in quotes"},
		{"a quote in a cell", head + card + ",o\"ff,,\n", "j.csv:2:22: a quote inside a cell that does not begin with one; double a quote inside a cell, and put the cell in quotes"},
		{"behind a quote", head + "\"" + card + "\"x,off,,\n", "j.csv:2:22: something between a closing quote and the separator; double a quote inside a cell, and put the cell in quotes"},
		{"a row without end", head + strings.Repeat(card+",", 1001) + "\n", "j.csv:2:20001: more than 1000 cells in a row; look for a line end that is missing"},
		{"row too long", head + card + ",off,,,,x\n", "j.csv:2:27: 6 cells, the header has 4; a cell with a separator in it needs quotes"},
		{"row too short", head + card + "\n", "j.csv:2:1: 1 cell, the header has 4; leave a cell empty, but keep its separator"},
		{"empty rows in the midst", head + ",,,\n,,,\n" + card + ",off,,\n", "j.csv:2:1: 2 rows of empty cells with cards below; remove them, or fill them in"},
		{"no ICCID", head + ",off,,\n", "j.csv:2:1: iccid: empty; every row needs the ICCID that its card shows"},
		{"letters", head + "89882110000004300x0,off,,\n", "j.csv:2:1: iccid: an ICCID is digits alone; copy the digits from the card or its carton"},
		{"short ICCID", head + "898821100000043,off,,\n", "j.csv:2:1: iccid: an ICCID has 18 to 20 digits, here are 15; copy the digits from the card or its carton"},
		{"rounded ICCID", head + "8.98821E+18,off,,\n", "j.csv:2:1: iccid: a spreadsheet turned the digits into a rounded number (as 8.98E+18); export the column as text"},
		{"rounded, with a comma", "iccid;scheme\n8,98821E+18;off\n", "j.csv:2:1: iccid: a spreadsheet turned the digits into a rounded number (as 8.98E+18); export the column as text"},
		{"rounded, without digits behind", head + "9E18,off,,\n", "j.csv:2:1: iccid: a spreadsheet turned the digits into a rounded number (as 8.98E+18); export the column as text"},
		{"decimals", head + card + ".00,off,,\n", "j.csv:2:1: iccid: a spreadsheet turned the digits into a number with decimals; export the column as text"},
		{"formula", head + "\"=\"\"" + card + "\"\"\",off,,\n", "j.csv:2:2: iccid: a formula of a spreadsheet; export the column as text"},
		{"apostrophe", head + "'" + card + ",off,,\n", "j.csv:2:1: iccid: the apostrophe that a spreadsheet marks text with; export the column as text"},
		{"error value", "iccid,scheme\n" + card + ",off\n#####,off\n" + "x" + card + ",off\n", "j.csv:4:1: iccid: an ICCID is digits alone; copy the digits from the card or its carton"},
		{"error value in a cell", "scheme,iccid\noff,#N/A\n", "j.csv:2:5: iccid: an error of a spreadsheet in place of a value; export the column as text"},
		{"rounded IMSI", "iccid,imsi,scheme\n" + card + ",2.62E+14,off\n", "j.csv:2:21: imsi: a spreadsheet turned the digits into a rounded number (as 8.98E+18); export the column as text"},
		{"zeros lost in an IMSI", "iccid,imsi,scheme\n" + card + ",1010000123456,off\n", "j.csv:2:21: imsi: no country code begins with 1: leading zeros were lost; export the column as text"},
		{"long IMSI", "iccid,imsi,scheme\n" + card + ",0010100001234567,off\n", "j.csv:2:21: imsi: an IMSI has 6 to 15 digits, here are 16; copy the digits from the order"},
		{"check digit", head + card + ",preset,490154203237519,\n", "j.csv:2:42: imei: the check digit is 9, the other digits want 8; compare it with the device (*#06# shows it)"},
		{"second value", head + card + ",preset,490154203237518|490154203237519,\n", "j.csv:2:58: imei: the check digit is 9, the other digits want 8; compare it with the device (*#06# shows it)"},
		{"zeros lost in an IMEI", head + card + ",preset,4999010640000,\n", "j.csv:2:28: imei: leading zeros were lost: with them the check digit is right; export the column as text"},
		{"rounded IMEI", head + card + ",preset,4.90154E+14,\n", "j.csv:2:28: imei: a spreadsheet turned the digits into a rounded number (as 8.98E+18); export the column as text"},
		{"test IMEI", head + card + ",,001010000000016,\n", "j.csv:2:22: imei: a test IMEI (its TAC begins with 00); give a real device's, or allow it for this job (allow_test_imei, --allow-test-imei)"},
		{"short prefix", head + card + ",preset,,4901542\n", "j.csv:2:36: imei_prefix: 7 digits, a prefix has 8 to 14; give the first 8 to 14 digits"},
		{"scheme", head + card + ",prset,490154203237518,\n", "j.csv:2:21: scheme: none of off, first-insert, preset; write off, first-insert or preset"},
		{"contradiction", head + card + ",first-insert,490154203237518,\n", "j.csv:2:34: imei: a known IMEI is a preset; narrow a first insert by prefix, range or pattern; empty the cell, or change the scheme"},
		{"nothing wanted", head + card + ",,,\n", "j.csv:2:21: scheme: neither a scheme nor an IMEI, prefix, range or pattern; say what is wanted of this card, or give the job a default"},
		{"card twice", head + card + ",off,,\n" + next + ",off,,\n" + card + ",off,,\n", "j.csv:4:1: iccid: the same ICCID stands in line 2; a card has one row"},
		{"card twice, spelled otherwise", head + card + ",off,,\n8988 2110 0000 0430-010f,off,,\n", "j.csv:3:1: iccid: the same ICCID stands in line 2; a card has one row"},
		{"IMSI twice", "iccid,imsi,scheme\n" + card + ",001010000123456,off\n" + next + ",001010000123456,off\n", "j.csv:3:21: imsi: the same IMSI stands in line 2; a subscription is on one card"},
		{"IMEI twice", head + card + ",,490154203237518,\n" + next + ",,352099001761481 490154203237518,\n", "j.csv:3:38: imei: the same IMEI stands in line 2; bind each card to its own terminal, or allow it for this job (allow_duplicate_imei, --allow-same-imei)"},
		{"IMEI twice, once as a prefix", head + card + ",,490154203237518,\n" + next + ",,,49015420323751\n", "j.csv:3:23: imei_prefix: the same IMEI stands in line 2; bind each card to its own terminal, or allow it for this job (allow_duplicate_imei, --allow-same-imei)"},
		{"IMEI twice in a row", head + card + ",,490154203237518 490154203237518,\n", "j.csv:2:38: imei: the same IMEI stands twice in this row; bind each card to its own terminal, or allow it for this job (allow_duplicate_imei, --allow-same-imei)"},
		{"key name", "iccid,scheme,key\n" + card + ",off,a b\n", "j.csv:2:25: key: a name of at most 64 letters, digits and marks, without spaces"},
		{"key of the wrong length", "iccid,scheme,enc,mac\n" + card + ",off,0102,\n", "j.csv:2:25: enc: a key is 32, 48 or 64 hex digits; the value is not shown"},
		{"long cell", head + card + ",," + strings.Repeat("490154203237518 ", 1100) + ",\n", "j.csv:2:22: imei: a cell of 17599 bytes, at most 16384 can be; look for a quote that is not closed"},
		{"full width", head + card + ",,49015420323751８,\n", "j.csv:2:36: imei: '８' is a full-width digit; compare it with the device (*#06# shows it)"},
		{"Latin-1", "iccid,scheme\n" + card + ",pr\xE9set\n", "j.csv:2:21: scheme: none of off, first-insert, preset; write off, first-insert or preset"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := Read(strings.NewReader(row.text), "j.csv", Options{})
			var all *Faults
			if !errors.As(err, &all) || all.Total != len(all.List) {
				t.Fatalf("error %v", err)
			}
			if err.Error() != row.want {
				t.Errorf("%s\nwant %s", err, row.want)
			}
		})
	}
}

// TestWarnings: what deserves a second look and stops nothing, word for word.
func TestWarnings(t *testing.T) {
	for _, row := range []struct{ name, text, want string }{
		{"check digit of the ICCID", head + "8988211000000430019,off,,\n", "j.csv:2:1: iccid: the check digit of the ICCID is not the Luhn digit; copy the digits from the card or its carton"},
		{"rounded without exponent", head + "8988211000000430000,off,,\n", "j.csv:2:1: iccid: everything behind the fifteenth digit of the ICCID is 0: a spreadsheet rounded it; copy the digits from the card or its carton"},
		{"zero lost in an IMEI", head + card + ",,12345678901237,\n", "j.csv:2:22: imei: 14 digits, and with a 0 in front the check digit is right: was a leading zero lost?; compare it with the device (*#06# shows it)"},
		{"check digit 0", head + card + ",,358240051111110,\n", ""},
		{"terminal form", head + card + ",,352099001761490,\n", "j.csv:2:22: imei: terminal form: the 15th digit is 0, the check digit is not verified; compare it with the device (*#06# shows it)"},
		{"model", head + card + ",,,35824005\n", "j.csv:2:23: imei_prefix: 8 digits are a TAC: it binds to a model, not to a device; give the first 8 to 14 digits"},
		{"example", head + card + ",,358240051111110 490154203237518,\n", "j.csv:2:38: imei: an IMEI that many documents and emulators use as an example; make sure that a device has it"},
		{"empty rows at the end", head + card + ",off,,\n,,,\n\n,,,\n", "j.csv:3:1: 2 rows of empty cells at the end, passed over"},
		{"nothing", "\xEF\xBB\xBF" + head + "\"" + card + "\",\"off\",,\r\n\r\n", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			j, err := Read(strings.NewReader(row.text), "j.csv", Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := j.Warnings.Error(); got != row.want {
				t.Errorf("%s\nwant %s", got, row.want)
			}
		})
	}
}

// TestManyFaults: a file that is wrong throughout is counted to its end, and a hundred are told in the order of lines.
func TestManyFaults(t *testing.T) {
	var b strings.Builder
	b.WriteString(head)
	for i := range 400 {
		fmt.Fprintf(&b, "%s,off,,\n", card)
		if i%2 == 0 {
			b.WriteString("x,off,,\n")
		}
	}
	_, err := Read(strings.NewReader(b.String()), "j.csv", Options{})
	var all *Faults
	if !errors.As(err, &all) || all.Total != 399+200 || len(all.List) != 100 {
		t.Fatalf("%v", err)
	}
	for i := 1; i < len(all.List); i++ {
		if all.List[i].Line < all.List[i-1].Line {
			t.Fatalf("line %d behind line %d", all.List[i].Line, all.List[i-1].Line)
		}
	}
	if lines := strings.Split(err.Error(), "\n"); len(lines) != 101 || lines[100] != "and 499 more" {
		t.Errorf("the last line: %s", lines[len(lines)-1])
	}
}

// TestManyWarnings: what every row is told does not crowd out what one row is told.
func TestManyWarnings(t *testing.T) {
	var b strings.Builder
	b.WriteString("iccid,scheme,imei_prefix\n")
	for i := range 300 {
		fmt.Fprintf(&b, "%019d,first-insert,35824005\n", 8988211000000430000+i*10)
	}
	b.WriteString("8988211000000530082,first-insert,\n,,\n") // in order; its first rows: one rounded, one in ten with its Luhn digit
	j, err := Read(strings.NewReader(b.String()), "j.csv", Options{})
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Split(j.Warnings.Error(), "\n")
	if j.Warnings.Total != 300+1+269+1 || len(said) != 5+1+5+1 || j.Warnings.Untold() != 0 {
		t.Errorf("%d warnings, %d told, %d not:\n%s", j.Warnings.Total, len(said), j.Warnings.Untold(), strings.Join(said, "\n"))
	}
	all := strings.Join(said, "\n")
	for _, want := range []string{"give the first 8 to 14 digits (and in 295 more)", "(and in 264 more)", "j.csv:303:1: a row of empty cells at the end, passed over"} {
		if !strings.Contains(all, want) {
			t.Errorf("nothing says %q:\n%s", want, all)
		}
	}
}

// TestHidesDigits: no fault and no warning repeats what it stands on.
func TestHidesDigits(t *testing.T) {
	text := "iccid,imsi,imei,enc,mac,scheme\n8988211000000430019,001010000123456789,490154203237519,00112233445566778899AABBCCDDEEF,,\n"
	_, err := Read(strings.NewReader(text), "j.csv", Options{})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, digits := range []string{"0430019", "0123456", "3237519", "00112233"} {
		if strings.Contains(err.Error(), digits) {
			t.Errorf("%s in %v", digits, err)
		}
	}
}

func writeFile(t *testing.T, path, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}
