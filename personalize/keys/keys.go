// Package keys reads the secrets of one card out of a key file: CSV or YAML, a row a card,
// plain with mode 0600 or encrypted with age. Only the row of the card in the reader is kept.
package keys

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
	"go.yaml.in/yaml/v3"

	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/secret"
	"github.com/simbind/simbind/uicc"
)

// Card is what a key file says of one card. What it leaves out is empty.
type Card struct {
	ICCID string
	Keys  gp.KeySet
	Kind  gp.KeyKind   // of keys that are put on the card; 0: not said
	PIN1  secret.Bytes // 8 bytes, padded, as VERIFY wants it
	ADM1  secret.Bytes // 8 bytes
}

// Columns of the CSV form and keys of the YAML form. iccid is required, and * in its place is the row of every card that has none of its own:
// masters, from which a diversification derives the card's keys. A set of keys needs enc and mac, and for key changes dek; kind (des or
// aes) says what new keys of 16 bytes are. adm1 is eight ASCII digits, adm1_hex sixteen
// hex digits: which of the two a card wants is a fact of that card and never guessed.
var Columns = []string{"iccid", "kvn", "kind", "enc", "mac", "dek", "diversification", "pin1", "adm1", "adm1_hex"}

// Error names the place of a fault in a key file, never the value found there.
type Error struct {
	File   string
	Line   int    // from 1; 0 when the whole file is meant
	Column string // name of the column
	Reason string
}

func (e *Error) Error() string {
	switch {
	case e.Line == 0:
		return fmt.Sprintf("key file %s: %s", e.File, e.Reason)
	case e.Column == "":
		return fmt.Sprintf("key file %s line %d: %s", e.File, e.Line, e.Reason)
	}
	return fmt.Sprintf("key file %s line %d, %s: %s", e.File, e.Line, e.Column, e.Reason)
}

// ErrNoCard is wrapped when the file has no row for the card.
var ErrNoCard = errors.New("no row for this card")

const maxFile = 256 << 20

// Load reads the row of the card with that ICCID from path. A plain file that others may
// read is refused; identity (a path, may be empty) opens an age-encrypted one.
func Load(path, identity, iccid string) (Card, error) {
	b, err := read(path, identity)
	if err != nil {
		return Card{}, err
	}
	defer clear(b)
	if looksLikeYAML(path, b) {
		return fromYAML(b, path, iccid)
	}
	return fromCSV(b, path, iccid)
}

func read(path, identity string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &Error{File: path, Reason: bareReason(err)}
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, &Error{File: path, Reason: bareReason(err)}
	}
	if len(b) > maxFile {
		return nil, &Error{File: path, Reason: "larger than 256 MiB"}
	}
	if isAge(b) {
		return decrypt(b, path, identity)
	}
	return b, checkMode(f, path)
}

func bareReason(err error) string {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// CheckPrivate refuses a file of secrets that group or others may read. Windows has no such modes.
func CheckPrivate(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("mode %04o lets others read it, 0600 is needed", info.Mode().Perm())
	}
	return nil
}

func checkMode(f *os.File, path string) error {
	if err := CheckPrivate(f); err != nil {
		return &Error{File: path, Reason: err.Error()}
	}
	return nil
}

func isAge(b []byte) bool {
	return bytes.HasPrefix(b, []byte("age-encryption.org/")) || bytes.HasPrefix(b, []byte(armor.Header))
}

func decrypt(b []byte, path, identity string) ([]byte, error) {
	if identity == "" {
		return nil, &Error{File: path, Reason: "encrypted with age, and no identity file was given"}
	}
	f, err := os.Open(identity)
	if err != nil {
		return nil, &Error{File: identity, Reason: bareReason(err)}
	}
	defer f.Close()
	if err := checkMode(f, identity); err != nil {
		return nil, err
	}
	ids, err := age.ParseIdentities(f)
	if err != nil {
		return nil, &Error{File: identity, Reason: "holds no age identity"}
	}
	var src io.Reader = bytes.NewReader(b)
	if bytes.HasPrefix(b, []byte(armor.Header)) {
		src = armor.NewReader(src)
	}
	r, err := age.Decrypt(src, ids...)
	if err != nil {
		return nil, &Error{File: path, Reason: "the identity does not open it"}
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxFile))
	if err != nil {
		return nil, &Error{File: path, Reason: "damaged"}
	}
	return plain, nil
}

func looksLikeYAML(path string, b []byte) bool {
	name := strings.TrimSuffix(path, ".age")
	if strings.HasSuffix(name, ".csv") {
		return false
	}
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml") || bytes.HasPrefix(b, []byte("cards:"))
}

func fromCSV(b []byte, path, iccid string) (Card, error) {
	b = bytes.TrimPrefix(b, []byte("\xEF\xBB\xBF"))
	r := csv.NewReader(bytes.NewReader(b))
	r.Comma = separator(b)
	r.TrimLeadingSpace = true
	r.Comment = '#'
	header, err := r.Read()
	if err != nil {
		return Card{}, &Error{File: path, Line: 1, Reason: "no header line"}
	}
	if err := checkHeader(header, path); err != nil {
		return Card{}, err
	}
	header = slices.Clone(header)
	choose := chooser{path: path, iccid: iccid}
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return choose.card()
		}
		if err != nil {
			return Card{}, csvError(err, path)
		}
		line, _ := r.FieldPos(0)
		row := make(map[string]string, len(header))
		for i, name := range header {
			row[name] = strings.TrimSpace(rec[i])
		}
		if err := choose.take(row, line); err != nil {
			return Card{}, err
		}
	}
}

// separator is the semicolon when the header has that and no comma: what spreadsheets write in half of the world.
func separator(b []byte) rune {
	for line := range bytes.Lines(b) {
		if bytes.HasPrefix(line, []byte("#")) || len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if bytes.ContainsRune(line, ';') && !bytes.ContainsRune(line, ',') {
			return ';'
		}
		break
	}
	return ','
}

// everyCard stands for an ICCID in the row of masters.
const everyCard = "*"

// chooser takes the rows of a file one by one and keeps the card's own, and that of every card.
type chooser struct {
	path, iccid  string
	own, masters *Card
}

func (c *chooser) take(row map[string]string, line int) error {
	into := &c.own
	switch {
	case row["iccid"] == everyCard:
		into = &c.masters
	case !sameICCID(row["iccid"], c.iccid):
		return nil
	}
	if *into != nil {
		return &Error{File: c.path, Line: line, Column: "iccid", Reason: "a second row for the same card"}
	}
	card, err := parseRow(row, c.path, line)
	if err == nil && into == &c.masters && card.Keys.Diversification == gp.NotDiversified {
		err = &Error{File: c.path, Line: line, Column: "diversification", Reason: "the row of every card holds masters: say how the card's keys are derived"}
	}
	*into = card
	return err
}

// card is the card's own row, else the row of every card.
func (c *chooser) card() (Card, error) {
	found := c.own
	if found == nil {
		found = c.masters
	}
	if found == nil {
		return Card{}, fmt.Errorf("key file %s: %w", c.path, ErrNoCard)
	}
	found.ICCID = c.iccid
	return *found, nil
}

// csvError keeps the place and drops the text, which may hold a key.
func csvError(err error, path string) error {
	var pe *csv.ParseError
	if errors.As(err, &pe) {
		return &Error{File: path, Line: pe.Line, Reason: pe.Err.Error()}
	}
	return &Error{File: path, Reason: "cannot be read"}
}

func checkHeader(header []string, path string) error {
	seen := map[string]bool{}
	for i := range header {
		header[i] = strings.ToLower(strings.TrimSpace(header[i]))
		if !slices.Contains(Columns, header[i]) || seen[header[i]] {
			return &Error{File: path, Line: 1, Reason: fmt.Sprintf("column %d is unknown or there twice; known are %s", i+1, strings.Join(Columns, ", "))}
		}
		seen[header[i]] = true
	}
	if !seen["iccid"] {
		return &Error{File: path, Line: 1, Reason: "no column iccid"}
	}
	return nil
}

func fromYAML(b []byte, path, iccid string) (Card, error) {
	var doc struct {
		Cards []yaml.Node `yaml:"cards"`
	}
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return Card{}, &Error{File: path, Reason: "not a YAML file with a list `cards`"}
	}
	choose := chooser{path: path, iccid: iccid}
	for i := range doc.Cards {
		node := &doc.Cards[i]
		row := map[string]string{}
		if err := node.Decode(&row); err != nil {
			return Card{}, &Error{File: path, Line: node.Line, Reason: "a card is a map of texts; quote every number"}
		}
		if err := checkNames(row, path, node.Line); err != nil {
			return Card{}, err
		}
		if err := choose.take(row, node.Line); err != nil {
			return Card{}, err
		}
	}
	return choose.card()
}

func checkNames(row map[string]string, path string, line int) error {
	for name := range row {
		if !slices.Contains(Columns, name) {
			return &Error{File: path, Line: line, Reason: "unknown name; known are " + strings.Join(Columns, ", ")}
		}
	}
	return nil
}

// sameICCID compares digits without the filler.
func sameICCID(a, b string) bool {
	trim := func(s string) string { return strings.TrimRight(strings.ToUpper(strings.TrimSpace(s)), "F") }
	return trim(a) != "" && trim(a) == trim(b)
}

func parseRow(row map[string]string, path string, line int) (*Card, error) {
	c := &Card{ICCID: row["iccid"]}
	fail := func(column, reason string) (*Card, error) {
		return nil, &Error{File: path, Line: line, Column: column, Reason: reason}
	}
	for _, k := range []struct {
		name string
		into *secret.Bytes
	}{{"enc", &c.Keys.ENC}, {"mac", &c.Keys.MAC}, {"dek", &c.Keys.DEK}} {
		v, err := parseKey(row[k.name])
		if err != nil {
			return fail(k.name, err.Error())
		}
		*k.into = v
	}
	if c.Keys.ENC.IsZero() != c.Keys.MAC.IsZero() {
		return fail("enc", "enc and mac go together")
	}
	if row["kvn"] != "" {
		kvn, err := strconv.ParseUint(row["kvn"], 16, 8)
		if err != nil {
			return fail("kvn", "a key version number is two hex digits")
		}
		c.Keys.KVN = byte(kvn)
	}
	var err error
	if c.Keys.Diversification, err = gp.ParseDiversification(row["diversification"]); err != nil {
		return fail("diversification", err.Error())
	}
	switch strings.ToLower(row["kind"]) {
	case "":
	case "des":
		c.Kind = gp.DES
	case "aes":
		c.Kind = gp.AES
	default:
		return fail("kind", "des or aes")
	}
	return codes(c, row, fail)
}

func codes(c *Card, row map[string]string, fail func(string, string) (*Card, error)) (*Card, error) {
	var err error
	if row["pin1"] != "" {
		if c.PIN1, err = uicc.PIN(row["pin1"]); err != nil {
			return fail("pin1", "a PIN is 4 to 8 digits")
		}
	}
	if row["adm1"] != "" && row["adm1_hex"] != "" {
		return fail("adm1", "adm1 and adm1_hex exclude each other")
	}
	if row["adm1"] != "" {
		if c.ADM1, err = uicc.ADMFromDigits(row["adm1"]); err != nil {
			return fail("adm1", "an ADM code in digits has eight of them")
		}
	}
	if row["adm1_hex"] != "" {
		if c.ADM1, err = uicc.ADMFromHex(row["adm1_hex"]); err != nil {
			return fail("adm1_hex", "an ADM code in hex has sixteen hex digits")
		}
	}
	return c, nil
}

func parseKey(text string) (secret.Bytes, error) {
	if text == "" {
		return secret.Bytes{}, nil
	}
	b, err := hex.DecodeString(text)
	defer clear(b)
	if err != nil || (len(b) != 16 && len(b) != 24 && len(b) != 32) {
		return secret.Bytes{}, errors.New("a key is 32, 48 or 64 hex digits")
	}
	return secret.New(b), nil
}
