package job

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/simbind/simbind/binding"
)

// exampleIMEIs stand in standards, manuals and emulators.
var exampleIMEIs = []binding.IMEI{
	{0x49, 0x01, 0x54, 0x20, 0x32, 0x37, 0x51}, // in explanations of the check digit
	{0x35, 0x20, 0x99, 0x00, 0x17, 0x61, 0x48}, // in explanations of IMEI and IMEISV
	{0x35, 0x69, 0x38, 0x03, 0x56, 0x43, 0x80},
	{0x01, 0x23, 0x45, 0x67, 0x89, 0x01, 0x23},
	{0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34},
	{0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11},
	{0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99},
}

const asText = "export the column as text"

// digitColumns are those whose digits spreadsheets take for numbers.
var digitColumns = []string{"iccid", "imsi", "imei", "imei_prefix"}

// damages are what spreadsheets make of long numbers.
var damages = []struct {
	form   *regexp.Regexp
	reason string
}{
	{regexp.MustCompile(`^[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+$`), "a spreadsheet turned the digits into a rounded number (as 8.98E+18)"},
	{regexp.MustCompile(`^[0-9]+[.,]0*$`), "a spreadsheet turned the digits into a number with decimals"},
	{regexp.MustCompile(`^=`), "a formula of a spreadsheet"},
	{regexp.MustCompile(`^'`), "the apostrophe that a spreadsheet marks text with"},
	{regexp.MustCompile(`^#+$|^#(N/A|VALUE!|REF!|NAME\?|NUM!|DIV/0!|NV|WERT!)`), "an error of a spreadsheet in place of a value"},
}

// damageOf looks whether a spreadsheet spoilt the digits of a cell; nil: not to be seen.
func damageOf(name string, text []byte) *remedied {
	if !slices.Contains(digitColumns, name) || plainDigits(text) {
		return nil
	}
	for _, d := range damages {
		if d.form.Match(text) {
			return &remedied{d.reason, asText}
		}
	}
	return nil
}

func plainDigits(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// luhnNote is what to say of an ICCID whose last digit is not the Luhn digit. A spreadsheet keeps 15 digits and writes
// zeros for the others.
func luhnNote(iccid string) string {
	if strings.Trim(iccid[15:], "0") == "" {
		return "everything behind the fifteenth digit of the ICCID is 0: a spreadsheet rounded it"
	}
	return "the check digit of the ICCID is not the Luhn digit"
}

// wholeWithZero tells whether 14 digits are an IMEI with a right check digit once a zero stands in front.
func wholeWithZero(s string) bool {
	if len(s) != 14 || !plainDigits([]byte(s)) {
		return false
	}
	_, notes, err := binding.ParseIMEI("0" + s)
	return err == nil && len(notes) == 0
}

// zerosLost tells a number that is an IMEI once its leading zeros are back.
func zerosLost(s string, err error) error {
	if n := len(s); n < 8 || n > 13 || !plainDigits([]byte(s)) {
		return err
	}
	full := strings.Repeat("0", 15-len(s)) + s
	if _, notes, wrongStill := binding.ParseIMEI(full); wrongStill != nil || len(notes) > 0 {
		return err
	}
	return wrong("leading zeros were lost: with them the check digit is right", asText)
}

// textFault looks at the file as a whole for what no cell of it can be read through.
func textFault(b []byte) error {
	switch {
	case bytes.HasPrefix(b, []byte{0xFF, 0xFE}) || bytes.HasPrefix(b, []byte{0xFE, 0xFF}):
		return wrong("the file is UTF-16", "save it as \"CSV UTF-8\"")
	case bytes.IndexByte(b[:min(len(b), 1000)], 0) >= 0:
		return wrong("the file holds zero bytes: UTF-16 without a mark, or no text at all", "save it as \"CSV UTF-8\"")
	case bytes.HasPrefix(b, []byte("PK\x03\x04")):
		return wrong("the file is a workbook or an archive", "export the sheet as CSV")
	case len(bytes.TrimSpace(b)) == 0:
		return wrong("no header line", "begin with the names of the columns, iccid among them")
	}
	return nil
}
