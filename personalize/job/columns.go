package job

import (
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
)

// columns says what a cell of each column does to the row. Cells that may hold several
// values separate them by spaces or |.
var columns = map[string]func(*Row, string) error{
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
}

// Columns are the names a header may hold; iccid is required.
func Columns() []string { return slices.Sorted(maps.Keys(columns)) }

func each(f func(*Row, string) error) func(*Row, string) error {
	return func(r *Row, cell string) error {
		for off := 0; off < len(cell); {
			end := strings.IndexAny(cell[off:], " |")
			if end < 0 {
				end = len(cell) - off
			}
			if end > 0 {
				if err := f(r, cell[off:off+end]); err != nil {
					return &placed{err: err, column: off + columnOf(err)}
				}
			}
			off += end + 1
		}
		return nil
	}
}

// placed moves the place of a fault inside a cell that holds several values.
type placed struct {
	err    error
	column int // from 1
}

func (p *placed) Error() string { return p.err.Error() }
func (p *placed) Unwrap() error { return p.err }

func columnOf(err error) int {
	var p *placed
	if errors.As(err, &p) {
		return p.column
	}
	var in *binding.InputError
	if errors.As(err, &in) {
		return max(in.Column, 1)
	}
	return 1
}

func reasonOf(err error) string {
	var in *binding.InputError
	if errors.As(err, &in) {
		return in.Reason
	}
	return err.Error()
}

// damaged tells a number that a spreadsheet rounded (8.98E+18).
func damaged(s string) bool {
	return strings.ContainsAny(s, "eE") && strings.ContainsAny(s, "+.,")
}

func setICCID(r *Row, s string) error {
	if damaged(s) {
		return errors.New("a spreadsheet turned the ICCID into a rounded number; export the column as text")
	}
	id, err := uicc.ParseICCID(s)
	if err != nil {
		return err
	}
	r.ICCID = id.String()
	if !id.CheckDigitOK() {
		r.Notes = append(r.Notes, fmt.Sprintf("line %d: the check digit of the ICCID is not the Luhn digit", r.Line))
	}
	return nil
}

func setIMSI(r *Row, s string) error {
	if damaged(s) {
		return errors.New("a spreadsheet turned the IMSI into a rounded number; export the column as text")
	}
	imsi, err := usim.ParseIMSI(s)
	if err != nil {
		return err
	}
	r.IMSI = imsi.String()
	return nil
}

func setScheme(r *Row, s string) error {
	scheme, err := binding.ParseScheme(s)
	if err != nil {
		return err
	}
	r.Configuration.Scheme = scheme
	return nil
}

func addIMEI(r *Row, s string) error {
	imei, notes, err := binding.ParseIMEI(s)
	if err != nil {
		return err
	}
	for _, n := range notes {
		r.Notes = append(r.Notes, fmt.Sprintf("line %d: %s", r.Line, n))
	}
	r.Configuration.Patterns = append(r.Configuration.Patterns, imei.Pattern())
	return nil
}

func addPrefix(r *Row, s string) error {
	p, notes, err := binding.ParsePrefix(s)
	if err != nil {
		return err
	}
	for _, n := range notes {
		r.Notes = append(r.Notes, fmt.Sprintf("line %d: %s", r.Line, n))
	}
	r.Configuration.Patterns = append(r.Configuration.Patterns, p)
	return nil
}

func addRange(r *Row, s string) error {
	rg, err := binding.ParseRange(s)
	if err != nil {
		return err
	}
	r.Configuration.Ranges = append(r.Configuration.Ranges, rg)
	return nil
}

func addPattern(r *Row, s string) error {
	p, err := binding.ParsePattern(s)
	if err != nil {
		return err
	}
	r.Configuration.Patterns = append(r.Configuration.Patterns, p)
	return nil
}

func setNoIMEI(r *Row, s string) error {
	switch strings.ToLower(s) {
	case "deny":
		r.Configuration.Policy &^= binding.AllowNoIMEI
	case "allow":
		r.Configuration.Policy |= binding.AllowNoIMEI
	default:
		return errors.New("deny or allow")
	}
	return nil
}

func policy(bit binding.Policy) func(*Row, string) error {
	return func(r *Row, s string) error {
		switch strings.ToLower(s) {
		case "yes", "true", "1":
			r.Configuration.Policy |= bit
		case "no", "false", "0":
			r.Configuration.Policy &^= bit
		default:
			return errors.New("yes or no")
		}
		return nil
	}
}

func setDenial(r *Row, s string) error { return SetDenial(&r.Configuration, s) }

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

func setRefresh(r *Row, s string) error {
	q, err := hex.DecodeString(s)
	if err != nil || len(q) != 1 || !binding.KnownRefresh(q[0]) {
		return errors.New("two hex digits, 00, 02, 04, 05 or 06")
	}
	r.Configuration.Refresh = q[0]
	return nil
}

func setTerminals(r *Row, s string) error {
	v, err := strconv.ParseUint(s, 10, 8)
	if err != nil || v < 1 || v > 4 {
		return errors.New("1 to 4 terminals")
	}
	r.Configuration.MaxTerminals = byte(v)
	return nil
}

// check looks at the row as a whole and at the rows before it.
func (p *parser) check(r *csv.Reader, rec []string, row *Row, schemeSet bool) {
	field := func(name string) int { return max(slices.Index(p.header, name), 0) }
	if row.ICCID == "" {
		p.fail(r, field("iccid"), 0, "empty")
		return
	}
	c := &row.Configuration
	if !schemeSet {
		if len(c.Patterns)+len(c.Ranges) == 0 {
			p.fail(r, field("scheme"), 0, "neither a scheme nor an IMEI, prefix, range or pattern")
			return
		}
		c.Scheme = binding.Preset
	}
	if name, reason := contradiction(rec, p.header, c.Scheme); reason != "" {
		p.fail(r, field(name), 0, reason)
		return
	}
	if err := c.Validate(nil); err != nil {
		p.fail(r, field("scheme"), 0, reasonOf(err))
		return
	}
	if imsi, err := usim.ParseIMSI(row.IMSI); err == nil && usim.EncodeIMSI(imsi) == c.Denial {
		p.fail(r, field("deny_imsi"), 0, "the denial value is the IMSI of this card: every terminal would be let in")
		return
	}
	p.unique(r, row, field)
	p.rows = append(p.rows, *row)
}

// contradiction finds a cell that the row's scheme leaves without meaning, as the flags of a single card refuse it.
func contradiction(rec, header []string, scheme binding.Scheme) (column, reason string) {
	for i, name := range header {
		if strings.TrimSpace(rec[i]) == "" {
			continue
		}
		switch {
		case scheme == binding.FirstInsert && name == "imei":
			return name, "a known IMEI is a preset; narrow a first insert by prefix, range or pattern"
		case scheme == binding.Off && slices.Contains([]string{"imei", "imei_prefix", "imei_range", "imei_pattern"}, name):
			return name, "off binds to nothing"
		}
	}
	return "", ""
}

func (p *parser) unique(r *csv.Reader, row *Row, field func(string) int) {
	if line, dup := p.iccids[row.ICCID]; dup {
		p.fail(r, field("iccid"), 0, fmt.Sprintf("the same ICCID stands in line %d", line))
	}
	p.iccids[row.ICCID] = row.Line
	if row.IMSI != "" {
		if line, dup := p.imsis[row.IMSI]; dup {
			p.fail(r, field("imsi"), 0, fmt.Sprintf("the same IMSI stands in line %d", line))
		}
		p.imsis[row.IMSI] = row.Line
	}
	for _, pattern := range row.Configuration.Patterns {
		imei, full := pattern.IMEI()
		if !full {
			continue
		}
		if imei.Test() && !p.opt.AllowTestIMEI {
			p.fail(r, field("imei"), 0, "a test IMEI (its TAC begins with 00)")
		}
		if line, dup := p.imeis[imei]; dup && !p.opt.AllowSameIMEI {
			p.fail(r, field("imei"), 0, fmt.Sprintf("the same IMEI stands in line %d", line))
		}
		p.imeis[imei] = row.Line
	}
}
