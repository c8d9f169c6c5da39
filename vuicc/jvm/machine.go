// Package jvm runs the Java Card applet itself on the virtual UICC: its unmodified class files, in a Java virtual machine beside
// the card, behind a plug.Applet.
//
// The runtime in applet/runtime implements the Java Card, UICC and GlobalPlatform classes; everything that is the card's stays here:
// files, toolkit, secure channel, and memory. Java objects are no memory of their own: each store of the applet is a write
// of the card (see memory.go), so that power can go at any of them.
package jvm

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"
)

// ErrEnded is a Java virtual machine that is no longer there.
var ErrEnded = errors.New("the Java virtual machine has ended")

// patience is how long the runtime may take until its next frame. It ends loops itself long before.
const patience = 60 * time.Second

// Machine is one Java virtual machine. It carries the applets of any number of cards, one at a time, and starts when the first
// needs it.
type Machine struct {
	java    string
	runtime string

	mu      sync.Mutex
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	stdout  io.ReadCloser
	stderr  tail
	err     error // why it ended, or why an applet was ended
	remarks []string
	calls   uint32
	cards   uint32
}

// New is a machine for the compiled runtime in a folder. Nothing is started yet; an error means that there is no Java.
func New(runtime string) (*Machine, error) {
	java, err := tool("java")
	if err != nil {
		return nil, err
	}
	return &Machine{java: java, runtime: runtime}, nil
}

// start runs the process. Applets need little memory and run short: the optimizing compiler would cost more than it gives. What the
// machine itself has to say goes to standard error: standard output is the pipe.
func (m *Machine) start() error {
	m.cmd = exec.Command(m.java, "-XX:+DisplayVMOutputToStderr", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m", "-cp", m.runtime, "simbind.card.Main")
	m.cmd.Stderr = &m.stderr
	var err error
	if m.in, err = m.cmd.StdinPipe(); err != nil {
		return err
	}
	if m.stdout, err = m.cmd.StdoutPipe(); err != nil {
		return err
	}
	m.out = bufio.NewReader(m.stdout)
	if err := m.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", m.java, err)
	}
	return nil
}

// Close ends the process. Cards that still use it fall silent.
func (m *Machine) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.end(ErrEnded)
	return nil
}

// end stops the process for a reason; the first one stays.
func (m *Machine) end(why error) {
	if m.err == nil {
		m.err = why
	}
	if m.cmd == nil || m.cmd.Process == nil {
		m.cmd = &exec.Cmd{}
		return
	}
	m.in.Close()
	_ = m.cmd.Process.Kill() // it may have ended by itself
	_ = m.cmd.Wait()
	m.cmd.Process = nil
}

// Err tells why a card fell silent: what broke in an applet, or how the machine ended. nil: nothing did.
func (m *Machine) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

// maxRemarks bounds what is kept of them.
const maxRemarks = 100

// Remarks are the things applets did that a card forgives, but a developer should not: exceptions nobody caught,
// transactions left open, objects made after installation. Each names its place.
func (m *Machine) Remarks() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.remarks...)
}

func (m *Machine) remark(lines []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, line := range bytes.Split(lines, []byte("\n")) {
		if len(line) > 0 && len(m.remarks) < maxRemarks {
			m.remarks = append(m.remarks, string(line))
		}
	}
}

// broken notes why an applet was ended; the machine goes on.
func (m *Machine) broken(why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		m.err = errors.New(why)
	}
}

// forget drops a card the collector found; a machine that does not run has none.
func (m *Machine) forget(card uint32) {
	m.mu.Lock()
	running := m.cmd != nil && m.cmd.Process != nil
	m.mu.Unlock()
	if running {
		_, _ = m.exchange(frame{m.next(&m.calls), kindCall, writer(nil).u32(card).u8(opForget)}) // it may end meanwhile
	}
}

// next numbers calls.
func (m *Machine) next(n *uint32) uint32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	*n++
	return *n
}

// exchange sends a frame and waits for the one that follows. The runtime has nothing to say but in answer to a frame, so that the
// next one belongs to the same call, however many cards share the machine.
func (m *Machine) exchange(f frame) (frame, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cmd == nil {
		if err := m.start(); err != nil {
			m.end(err)
		}
	}
	if m.cmd.Process == nil {
		return frame{}, errors.Join(ErrEnded, m.err)
	}
	answer, err := m.talk(f)
	if err == nil && answer.call != f.call {
		err = fmt.Errorf("%w: call %d answered in call %d", errFrame, answer.call, f.call)
	}
	if err != nil {
		m.end(nil)
		m.err = fmt.Errorf("the Java virtual machine failed: %w%s", err, m.stderr.text())
		return frame{}, m.err
	}
	return answer, nil
}

func (m *Machine) talk(f frame) (frame, error) {
	if _, err := m.in.Write(f.bytes()); err != nil {
		return frame{}, err
	}
	if d, ok := m.stdout.(interface{ SetReadDeadline(time.Time) error }); ok {
		if err := d.SetReadDeadline(time.Now().Add(patience)); err != nil {
			return frame{}, err
		}
	}
	return readFrame(m.out)
}

// tail keeps the last bytes the process wrote to its standard error.
type tail struct {
	mu sync.Mutex
	b  []byte
}

const maxTail = 2048

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if over := len(t.b) - maxTail; over > 0 {
		t.b = append(t.b[:0], t.b[over:]...)
	}
	return len(p), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.b) == 0 {
		return ""
	}
	return ": " + string(bytes.TrimSpace(t.b))
}
