package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/pcsc"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/trace"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
)

// session is one card in one reader for the time of a verb.
type session struct {
	pcsc.Card
	service pcsc.Service
	counter *trace.Counter
	record  io.WriteCloser // nil: nothing is recorded
	virtual *virtualReader
}

// expected is the card the flags name; openCard has looked at the digits.
func (a *app) expected() personalize.Expected {
	return personalize.Expected{ICCID: a.global.expectICCID, IMSI: a.global.expectIMSI}
}

// checkChoice refuses flags that name no possible card before any reader is touched.
func (a *app) checkChoice() error {
	if _, err := uicc.ParseICCID(a.global.expectICCID); err != nil && a.global.expectICCID != "" {
		return usagef("--expect-iccid: %w", err)
	}
	if _, err := usim.ParseIMSI(a.global.expectIMSI); err != nil && a.global.expectIMSI != "" {
		return usagef("--expect-imsi: %w", err)
	}
	if a.global.wait < 0 {
		return usagef("--wait: a time to wait cannot be negative")
	}
	return nil
}

// openCard connects to the card the flags name, exclusively, and puts trace and counter around it.
func (a *app) openCard(ctx context.Context) (*session, error) {
	if err := a.checkChoice(); err != nil {
		return nil, err
	}
	s := &session{}
	name := a.readerName()
	if name == "virtual" || strings.HasPrefix(name, "virtual:") {
		v, err := a.openVirtual(strings.TrimPrefix(strings.TrimPrefix(name, "virtual"), ":"))
		if err != nil {
			return nil, err
		}
		s.virtual, s.service, name = v, v.service, ""
	} else {
		service, err := a.readers()
		if err != nil {
			return nil, err
		}
		s.service = service
	}
	if err := a.connect(ctx, s, name); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (a *app) connect(ctx context.Context, s *session, name string) error {
	reader, err := a.chooseReader(ctx, s.service, name)
	if err != nil {
		return err
	}
	card, err := s.service.Connect(ctx, reader, pcsc.ConnectOptions{})
	if err != nil {
		return err
	}
	s.Card = card
	return a.wrap(s)
}

// Transmit implements apdu.Transmitter: through counter and recorder.
func (s *session) Transmit(ctx context.Context, c apdu.Command) (apdu.Response, error) {
	return s.counter.Transmit(ctx, c)
}

// Reset resets the card; a recording says so, for what is selected is then forgotten.
func (s *session) Reset(ctx context.Context, cold bool) error {
	if s.record != nil {
		fmt.Fprintf(s.record, "# %s\n", trace.ResetNote)
	}
	return s.Card.Reset(ctx, cold)
}

// Close unpowers the card and lets everything go.
func (s *session) Close() error {
	var errs []error
	if s.Card != nil {
		errs = append(errs, s.Card.Close())
	}
	if s.service != nil {
		errs = append(errs, s.service.Close())
	}
	if s.record != nil {
		errs = append(errs, s.record.Close())
	}
	if s.virtual != nil {
		errs = append(errs, s.virtual.Close())
	}
	return errors.Join(errs...)
}

// readerName is the flag, or the environment's.
func (a *app) readerName() string {
	if a.global.reader != "" {
		return a.global.reader
	}
	return os.Getenv("SIMBIND_READER")
}

// chooseReader applies the rules of docs/command-line.md: a number, a name or part of it; without one the only
// reader with a card.
func (a *app) chooseReader(ctx context.Context, s pcsc.Service, want string) (string, error) {
	list, err := s.Readers(ctx)
	if err != nil && !(errors.Is(err, pcsc.ErrNoReader) && a.global.wait > 0) {
		return "", err
	}
	name, err := pick(list, want)
	if err == nil || a.global.wait == 0 || !worthWaiting(err) {
		return name, err
	}
	a.say("waiting %s for a card", a.global.wait)
	ctx, cancel := context.WithTimeout(ctx, a.global.wait)
	defer cancel()
	list, waitErr := s.Wait(ctx, func(rs []pcsc.Reader) bool {
		_, err := pick(rs, want)
		return err == nil || !worthWaiting(err)
	})
	if waitErr != nil {
		return "", err
	}
	return pick(list, want)
}

func worthWaiting(err error) bool {
	return errors.Is(err, pcsc.ErrNoCard) || errors.Is(err, pcsc.ErrNoReader)
}

func pick(list []pcsc.Reader, want string) (string, error) {
	named, err := matching(list, want)
	if err != nil {
		return "", err
	}
	var present []pcsc.Reader
	for _, r := range named {
		if r.Present {
			present = append(present, r)
		}
	}
	switch {
	case len(present) == 1:
		return present[0].Name, nil
	case len(present) > 1:
		return "", &usageError{err: fmt.Errorf("%d readers hold a card: %s", len(present), labels(present)), hint: "name one with --reader"}
	case len(named) == 0 && want == "":
		return "", pcsc.ErrNoReader
	case len(named) == 0:
		return "", fmt.Errorf("no reader matches %q: %w", want, pcsc.ErrNoReader)
	}
	return "", fmt.Errorf("%s: %w", labels(named), pcsc.ErrNoCard)
}

func matching(list []pcsc.Reader, want string) ([]pcsc.Reader, error) {
	if want == "" {
		return list, nil
	}
	if n, err := strconv.Atoi(want); err == nil {
		for _, r := range list {
			if r.Index == n {
				return []pcsc.Reader{r}, nil
			}
		}
		return nil, nil
	}
	var out []pcsc.Reader
	for _, r := range list {
		if r.Name == want || r.Label == want {
			return []pcsc.Reader{r}, nil
		}
		if strings.Contains(strings.ToLower(r.Label), strings.ToLower(want)) {
			out = append(out, r)
		}
	}
	return out, nil
}

func labels(rs []pcsc.Reader) string {
	var out []string
	for _, r := range rs {
		out = append(out, fmt.Sprintf("%d %s", r.Index, r.Label))
	}
	return strings.Join(out, "; ")
}

// appletAID is the AID of the binding applet the flags name.
func (a *app) appletAID() ([]byte, error) {
	if a.global.aid == "" {
		return binding.DefaultAID, nil
	}
	aid, err := hex.DecodeString(a.global.aid)
	if err != nil || len(aid) < 5 || len(aid) > 16 {
		return nil, usagef("--aid: an AID is 10 to 32 hex digits")
	}
	return aid, nil
}

// stateDir is where journals and backups are kept: the flag, or the user's state folder.
func (a *app) stateDir() (string, error) {
	if a.global.stateDir != "" {
		return a.global.stateDir, nil
	}
	if dir := os.Getenv("SIMBIND_STATE_DIR"); dir != "" {
		return dir, nil
	}
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "simbind"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", usagef("no home folder: give --state-dir")
	}
	return filepath.Join(home, ".local", "state", "simbind"), nil
}

func (a *app) store() (*personalize.Store, error) {
	dir, err := a.stateDir()
	if err != nil {
		return nil, err
	}
	s, err := personalize.OpenStore(dir)
	if a.global.stateDir != "" || os.Getenv("SIMBIND_STATE_DIR") != "" {
		err = fileError("state folder "+dir, err)
	}
	return s, err
}
