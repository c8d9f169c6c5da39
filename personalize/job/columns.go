package job

import (
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
)

// columns says what a cell of each column does to the row. Cells that may hold several
// values separate them by spaces or |.
var columns = map[string]func(*draft, string) error{
	"iccid":          setICCID,
	"imsi":           setIMSI,
	"scheme":         setScheme,
	"imei":           each(addIMEI),
	"imei_prefix":    each(addPrefix),
	"imei_range":     each(addRange),
	"imei_pattern":   each(addPattern),
	"no_imei":        setNoIMEI,
	"strict_start":   policy(binding.StrictStart),
	"open_identity":  policy(binding.OpenIdentity),
	"pairing_status": policy(binding.PairingStatus),
	"keep_location":  policy(binding.KeepLocation),
	"observe_only":   policy(binding.ObserveOnly),
	"deny_imsi":      setDenial,
	"refresh":        setRefresh,
	"terminals":      setTerminals,
	"key":            setKey,
}

// remedies are what to do about a wrong cell where its fault does not say it better.
var remedies = map[string]string{
	"iccid":        "copy the digits from the card or its carton",
	"imsi":         "copy the digits from the order",
	"imei":         "compare it with the device (*#06# shows it)",
	"imei_prefix":  "give the first 8 to 14 digits",
	"imei_range":   "write LOW-HIGH, each of 14 digits",
	"imei_pattern": "write 14 places, digits or ?",
	"scheme":       "write off, first-insert or preset",
}

// entryColumns name terminals.
var entryColumns = []string{"imei", "imei_prefix", "imei_range", "imei_pattern"}

// secretColumns hold keys and codes. Their cells are checked for form, and wiped.
var secretColumns = slices.DeleteFunc(slices.Clone(keys.Columns), func(name string) bool { return name == "iccid" || name == "name" })

// Columns are the names a header may hold; iccid is required.
func Columns() []string {
	all := slices.Clone(secretColumns)
	for name := range columns {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func each(f func(*draft, string) error) func(*draft, string) error {
	return func(d *draft, cell string) error {
		before := d.lead
		defer func() { d.lead = before }()
		for off := 0; off < len(cell); {
			end := strings.IndexAny(cell[off:], " |")
			if end < 0 {
				end = len(cell) - off
			}
			if end > 0 {
				lead := utf8.RuneCountInString(cell[:off])
				d.lead = before + lead
				if err := f(d, cell[off:off+end]); err != nil {
					return &placed{err: err, column: lead + columnOf(err)}
				}
			}
			off += end + 1
		}
		return nil
	}
}

func setICCID(d *draft, s string) error {
	id, err := uicc.ParseICCID(s)
	if err != nil {
		return err
	}
	d.ICCID, d.id = id.String(), id
	if !id.CheckDigitOK() {
		d.note(luhnNote(d.ICCID))
	}
	return nil
}

func setIMSI(d *draft, s string) error {
	imsi, err := usim.ParseIMSI(s)
	if err != nil {
		return err
	}
	if imsi[0] == '1' && len(imsi) < 15 {
		return wrong("no country code begins with 1: leading zeros were lost", asText)
	}
	d.IMSI = imsi.String()
	return nil
}

// setKey names the keys of the card where they do not stand under its ICCID.
func setKey(d *draft, s string) error {
	if len(s) > 64 || strings.ContainsFunc(s, func(r rune) bool { return r < 0x21 || r > 0x7E }) {
		return errors.New("a name of at most 64 letters, digits and marks, without spaces")
	}
	d.Key = s
	return nil
}

func setScheme(d *draft, s string) error {
	scheme, err := binding.ParseScheme(s)
	if err != nil {
		return err
	}
	d.Configuration.Scheme, d.schemeSet, d.ownScheme = scheme, true, true
	return nil
}

func addIMEI(d *draft, s string) error {
	imei, notes, err := binding.ParseIMEI(s)
	if err != nil {
		return zerosLost(s, err)
	}
	for _, n := range notes {
		d.note(n)
	}
	if wholeWithZero(s) {
		d.note("14 digits, and with a 0 in front the check digit is right: was a leading zero lost?")
	}
	d.pattern(imei.Pattern())
	return nil
}

// pattern adds one, and remembers a full IMEI.
func (d *draft) pattern(p binding.Pattern) {
	d.entry()
	d.Configuration.Patterns = append(d.Configuration.Patterns, p)
	if imei, full := p.IMEI(); full {
		d.imeis = append(d.imeis, placedIMEI{imei, d.at, d.lead})
	}
}

func addPrefix(d *draft, s string) error {
	p, notes, err := binding.ParsePrefix(s)
	if err != nil {
		return err
	}
	for _, n := range notes {
		d.note(n)
	}
	d.pattern(p)
	return nil
}

func addRange(d *draft, s string) error {
	rg, err := binding.ParseRange(s)
	if err != nil {
		return err
	}
	d.entry()
	d.Configuration.Ranges = append(d.Configuration.Ranges, rg)
	return nil
}

func addPattern(d *draft, s string) error {
	p, err := binding.ParsePattern(s)
	if err != nil {
		return err
	}
	d.pattern(p)
	return nil
}

func setNoIMEI(d *draft, s string) error {
	switch strings.ToLower(s) {
	case "deny":
		d.Configuration.Policy &^= binding.AllowNoIMEI
	case "allow":
		d.Configuration.Policy |= binding.AllowNoIMEI
	default:
		return errors.New("deny or allow")
	}
	return nil
}

func policy(bit binding.Policy) func(*draft, string) error {
	return func(d *draft, s string) error {
		switch strings.ToLower(s) {
		case "yes", "true", "1":
			d.Configuration.Policy |= bit
		case "no", "false", "0":
			d.Configuration.Policy &^= bit
		default:
			return errors.New("yes or no")
		}
		return nil
	}
}

func setDenial(d *draft, s string) error { return SetDenial(&d.Configuration, s) }

// SetDenial takes the denial value as the 9 bytes of EF_IMSI in hex, or as the digits of a well-formed IMSI.
func SetDenial(c *binding.Configuration, s string) error {
	if b, err := hex.DecodeString(s); err == nil && len(b) == len(c.Denial) {
		copy(c.Denial[:], b)
		return nil
	}
	imsi, err := usim.ParseIMSI(s)
	if err != nil {
		return errors.New("18 hex digits of EF_IMSI, or the digits of an IMSI")
	}
	c.Denial = usim.EncodeIMSI(imsi)
	return nil
}

func setRefresh(d *draft, s string) error {
	q, err := hex.DecodeString(s)
	if err != nil || len(q) != 1 || !binding.KnownRefresh(q[0]) {
		return errors.New("two hex digits, 00, 02, 04, 05 or 06")
	}
	d.Configuration.Refresh = q[0]
	return nil
}

func setTerminals(d *draft, s string) error {
	v, err := strconv.ParseUint(s, 10, 8)
	if err != nil || v < 1 || v > 4 {
		return errors.New("1 to 4 terminals")
	}
	d.Configuration.MaxTerminals = byte(v)
	return nil
}
