package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// key is chosen so that none of its forms can turn up by chance.
var key = []byte("K3y-#42!sEcReT~Zq")

// forms are the ways its bytes could get out.
func forms() []string {
	out := []string{
		string(key), string(key[:6]), hex.EncodeToString(key[:4]), strings.ToUpper(hex.EncodeToString(key[:4])),
		base64.StdEncoding.EncodeToString(key)[:8], fmt.Sprint(key[:4])[1:12], fmt.Sprintf("% x", key[:4]), fmt.Sprintf("% X", key[:4]),
		strings.Trim(fmt.Sprintf("%#v", key[:3]), "[]byte{}"), fmt.Sprintf("%o", key[:3])[1:10], fmt.Sprintf("%b", key[:2])[1:12],
	}
	j, _ := json.Marshal([]int{int(key[0]), int(key[1]), int(key[2])})
	return append(out, strings.Trim(string(j), "[]"))
}

func wantHidden(t *testing.T, how, text string) {
	t.Helper()
	for _, f := range forms() {
		if strings.Contains(text, f) {
			t.Errorf("%s shows the key: %s", how, text)
			return
		}
	}
}

type holder struct {
	Name   string
	Key    Bytes
	hidden Bytes
	Inner  *holder
	List   []Bytes
	Map    map[string]Bytes
	Any    any
}

func newHolder() holder {
	s := New(key)
	return holder{Name: "enc", Key: s, hidden: s, Inner: &holder{Key: s, hidden: s}, List: []Bytes{s}, Map: map[string]Bytes{"k": s}, Any: s}
}

// holders are a secret itself, and everything it may stand in.
func holders() map[string]any {
	s, h := New(key), newHolder()
	return map[string]any{
		"value": s, "pointer": &s, "struct": h, "pointer to struct": &h, "slice": []Bytes{s}, "map": map[string]Bytes{"k": s},
		"error": fmt.Errorf("key %v: %w", s, errors.New("refused")), "error with pointer": fmt.Errorf("key %v", &s),
	}
}

func TestVerbs(t *testing.T) {
	verbs := "vTtbcdoOqxXUeEfFgGspw"
	for what, v := range holders() {
		for _, verb := range verbs {
			for _, flag := range []string{"", "+", "#", " ", "-", "0", "# ", "20", ".3", "+#"} {
				format := "%" + flag + string(verb)
				wantHidden(t, what+" under "+format, fmt.Sprintf(format, v))
			}
		}
		wantHidden(t, what+" printed", fmt.Sprint(v)+fmt.Sprintln(v))
	}
}

func TestVerbsSaySize(t *testing.T) {
	s := New(key)
	for _, format := range []string{"%v", "%s", "%x", "%X", "%#v", "%+v", "%q", "%d"} {
		if got := fmt.Sprintf(format, s); got != "[17 bytes]" {
			t.Errorf("%s: %s", format, got)
		}
		if got := fmt.Sprintf(format, &s); got != "[17 bytes]" {
			t.Errorf("%s of a pointer: %s", format, got)
		}
	}
	if got := fmt.Sprintf("%+v", struct{ Key Bytes }{s}); got != "{Key:[17 bytes]}" {
		t.Error(got)
	}
	if got := fmt.Sprint(Bytes{}); got != "[0 bytes]" {
		t.Error(got)
	}
}

func TestEncodings(t *testing.T) {
	for what, v := range holders() {
		j, err := json.Marshal(v)
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		y, err := yaml.Marshal(v)
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		wantHidden(t, what+" in JSON", string(j))
		wantHidden(t, what+" in YAML", string(y))
	}
	j, _ := json.Marshal(map[string]any{"key": New(key), "pin": Bytes{}})
	if string(j) != `{"key":"[17 bytes]","pin":"[0 bytes]"}` {
		t.Errorf("%s", j)
	}
	x, err := xml.Marshal(New(key))
	if err != nil || !strings.Contains(string(x), "[17 bytes]") {
		t.Errorf("%s, %v", x, err)
	}
}

func TestLogs(t *testing.T) {
	var out bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		l := slog.New(h)
		for what, v := range holders() {
			l.Info("session", "what", what, "value", v)
			l.With("value", v).WithGroup("g").Info("again", slog.Any("v", v))
		}
		l.Info("session", "key", New(key))
	}
	log.New(&out, "", 0).Println(New(key), newHolder())
	wantHidden(t, "a log", out.String())
	if text := out.String(); !strings.Contains(text, `key="[17 bytes]"`) || !strings.Contains(text, `"key":"[17 bytes]"`) {
		t.Error(text)
	}
}

func TestPanicHides(t *testing.T) {
	defer func() { wantHidden(t, "a panic", fmt.Sprint(recover())) }()
	panic(newHolder())
}

func TestNewCopies(t *testing.T) {
	b := bytes.Clone(key)
	s := New(b)
	b[0] = 0
	if !bytes.Equal(s.Reveal(), key) || s.Len() != len(key) || s.IsZero() {
		t.Error("the secret changed with the bytes it came from")
	}
	var zero Bytes
	if zero.Reveal() != nil || !zero.IsZero() || !New(nil).IsZero() {
		t.Error("the zero value holds something")
	}
}

func TestEqual(t *testing.T) {
	s := New(key)
	if !s.Equal(New(key)) || s.Equal(New(key[:16])) || s.Equal(Bytes{}) || !(Bytes{}).Equal(New(nil)) {
		t.Error("Equal is wrong")
	}
	other := bytes.Clone(key)
	other[16] ^= 1
	if s.Equal(New(other)) {
		t.Error("another last byte is equal")
	}
}

// TestWipe: one Wipe clears every copy, and the memory behind them.
func TestWipe(t *testing.T) {
	s := New(key)
	twin, memory := s, s.Reveal()
	s.Wipe()
	if !twin.IsZero() || !bytes.Equal(memory, make([]byte, len(key))) {
		t.Errorf("%d bytes left, memory %X", twin.Len(), memory)
	}
	s.Wipe()
	(Bytes{}).Wipe()
	if got := fmt.Sprint(twin); got != "[0 bytes]" {
		t.Error(got)
	}
}
