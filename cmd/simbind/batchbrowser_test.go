package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// browser is a Chromium without a window, spoken to through two pipes: a message is JSON and a zero byte.
type browser struct {
	t       *testing.T
	to      *os.File
	from    *bufio.Reader
	session string
	calls   int
	events  []message
}

type message struct {
	ID        int             `json:"id,omitempty"`
	Method    string          `json:"method,omitempty"`
	Params    json.RawMessage `json:"params,omitempty"`
	SessionID string          `json:"sessionId,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     json.RawMessage `json:"error,omitempty"`
}

func startBrowser(t *testing.T) *browser {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	home, err := os.MkdirTemp("", "simbind-browser-")
	if err != nil {
		t.Fatal(err)
	}
	theirs, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, answers, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(ctx, browserPath(t), "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-extensions",
		"--disable-component-update", "--remote-debugging-pipe", "--user-data-dir="+home)
	c.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home) // nothing of the user's is read or written
	if os.Getuid() == 0 {
		c.Args = append(c.Args, "--no-sandbox") // it refuses to run as root otherwise
	}
	c.ExtraFiles = []*os.File{theirs, answers} // 3 and 4
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	answers.Close()
	b := &browser{t: t, to: to, from: bufio.NewReader(from)}
	t.Cleanup(func() {
		b.session = ""
		b.call("Browser.close", nil)
		to.Close()
		_ = c.Wait() // how it ends is its own affair
		from.Close()
		_ = os.RemoveAll(home) // its last children may still write there
	})
	b.attach()
	return b
}

// browserPath finds the browser that scripts/setup installs, or one like it.
func browserPath(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("no Chromium; scripts/setup installs it")
	return ""
}

func (b *browser) attach() {
	var target struct{ TargetID string }
	b.into(&target, b.call("Target.createTarget", map[string]any{"url": "about:blank"}))
	var attached struct{ SessionID string }
	b.into(&attached, b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}))
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.call(domain+".enable", nil)
	}
}

func (b *browser) into(v any, raw json.RawMessage) {
	b.t.Helper()
	if err := json.Unmarshal(raw, v); err != nil {
		b.t.Fatal(err)
	}
}

// call sends a command and gives its result; events that come before it are kept.
func (b *browser) call(method string, params any) json.RawMessage {
	b.t.Helper()
	b.calls++
	id := b.calls
	raw, err := json.Marshal(params)
	if err != nil {
		b.t.Fatal(err)
	}
	m := message{ID: id, Method: method, SessionID: b.session}
	if params != nil {
		m.Params = raw
	}
	out, err := json.Marshal(m)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.to.Write(append(out, 0)); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	for {
		got := b.next()
		switch {
		case got.ID != id:
			b.events = append(b.events, got)
		case got.Error != nil:
			b.t.Fatalf("%s: %s", method, got.Error)
		default:
			return got.Result
		}
	}
}

func (b *browser) next() (m message) {
	b.t.Helper()
	line, err := b.from.ReadBytes(0)
	if err != nil {
		b.t.Fatalf("the browser went away: %v", err)
	}
	b.into(&m, line[:len(line)-1])
	return m
}

// show loads a file, waits until it is there whole, and gives what the browser complained of or fetched meanwhile.
func (b *browser) show(path string) (complaints []string) {
	b.t.Helper()
	b.events = nil
	where := (&url.URL{Scheme: "file", Path: path}).String()
	b.call("Page.navigate", map[string]any{"url": where})
	for !b.happened("Page.loadEventFired") {
		b.events = append(b.events, b.next())
	}
	b.call("Runtime.evaluate", map[string]any{"expression": "document.fonts.ready.then(() => 0)", "awaitPromise": true})
	for _, e := range b.events {
		switch e.Method {
		case "Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown":
			complaints = append(complaints, string(e.Params))
		case "Network.requestWillBeSent":
			var r struct{ Request struct{ URL string } }
			b.into(&r, e.Params)
			if r.Request.URL != where {
				complaints = append(complaints, "fetched "+r.Request.URL)
			}
		}
	}
	return complaints
}

func (b *browser) happened(method string) bool {
	for _, e := range b.events {
		if e.Method == method {
			return true
		}
	}
	return false
}

// look sets size, media and colours of the window, and runs the checks of the page in it.
func (b *browser) look(width int, media, scheme string) (seen pageSeen) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false})
	b.call("Emulation.setEmulatedMedia", map[string]any{"media": media, "features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}})
	var out struct {
		Result           struct{ Value pageSeen }
		ExceptionDetails json.RawMessage
	}
	b.into(&out, b.call("Runtime.evaluate", map[string]any{"expression": pageLook, "returnByValue": true}))
	if out.ExceptionDetails != nil {
		b.t.Fatalf("%s", out.ExceptionDetails)
	}
	return out.Result.Value
}

// pageSeen is what testdata/page.js finds: faults in words, how many texts it looked at, and how light the paper is, 0 to 1.
type pageSeen struct {
	Faults []string
	Texts  int
	Paper  float64
}

//go:embed testdata/page.js
var pageLook string

// TestPageInBrowser: a real browser shows the page wide and narrow, light, dark and printed, without a complaint and without fetching
// anything; no text leaves its place, lies on another or is hard to read. The browser is started once.
func TestPageInBrowser(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := startBrowser(t)
	for name, r := range map[string]*batchReport{"morning": batchReported(t, benchFile(t, 60, false)), "broken": batchReported(t, brokenBench(t)), "new": batchReported(t, benchFile(t, 2, false)), "large": large()} {
		path := writePage(t, filepath.Join(dir, name+".html"), paged(t, r))
		if c := b.show(path); len(c) > 0 {
			t.Errorf("%s: %s", name, strings.Join(c, "\n"))
		}
		for _, view := range []struct {
			width         int
			media, scheme string
			paper         [2]float64
		}{{1200, "screen", "light", [2]float64{0.9, 1}}, {1200, "screen", "dark", [2]float64{0, 0.1}}, {390, "screen", "light", [2]float64{0.9, 1}},
			{390, "screen", "dark", [2]float64{0, 0.1}}, {760, "print", "dark", [2]float64{1, 1}}} {
			seen := b.look(view.width, view.media, view.scheme)
			if len(seen.Faults) > 0 || seen.Texts < 30 || seen.Paper < view.paper[0] || seen.Paper > view.paper[1] {
				t.Errorf("%s, %+v: paper %v, %d texts\n%s", name, view, seen.Paper, seen.Texts, strings.Join(seen.Faults, "\n"))
			}
		}
	}
	b.notices(dir)
}

func writePage(t *testing.T, path, page string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// notices: the checks above see a picture that is fetched, a script, a text beyond the edge, one on another, and one as pale as the paper.
func (b *browser) notices(dir string) {
	page := `<html><head><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"></head><body>%s</body></html>`
	for body, want := range map[string]string{
		`<img src="picture.png">`:           "picture.png",
		`<script>let x = 1</script>`:        "script",
		`<p style="width: 2000px">wide</p>`: "wider",
		`<p style="color: #999">pale</p>`:   "contrast",
		`<svg viewBox="0 0 100 20"><text x="0" y="10">one</text><text x="2" y="10">two</text></svg>`: "lie on each other",
		`<svg viewBox="0 0 100 20"><text x="90" y="10">outside</text></svg>`:                         "leaves its drawing",
	} {
		complaints := b.show(writePage(b.t, filepath.Join(dir, "bad.html"), fmt.Sprintf(page, body)))
		complaints = append(complaints, b.look(390, "screen", "light").Faults...)
		if !strings.Contains(strings.Join(complaints, "\n"), want) {
			b.t.Errorf("%s: nobody noticed: %q", body, complaints)
		}
	}
}
