package binding

import (
	"encoding/binary"
	"fmt"

	"github.com/simbind/simbind/tlv"
)

// LogEntry is one entry of template E4 (card interface §7).
type LogEntry struct {
	Decision Decision
	IMEI     *IMEIView // nil: the terminal gave none
	Start    uint16    // number of the TERMINAL PROFILE
}

const tagLog tlv.Tag = 0xE4

// maxLog is how many entries an applet keeps.
const maxLog = 8

// ParseLog reads template E4: up to 8 entries of 10 bytes, newest first.
func ParseLog(b []byte) ([]LogEntry, error) {
	objects, err := open(b, tagLog, map[tlv.Tag]field{0x80: many(10)})
	if err != nil {
		return nil, err
	}
	entries := objects.All(0x80)
	if len(entries) > maxLog {
		return nil, fmt.Errorf("%w: E4 has %d entries, at most %d", ErrMalformed, len(entries), maxLog)
	}
	var out []LogEntry
	for i, v := range entries {
		e, err := parseLogEntry(v)
		if err != nil {
			return nil, fmt.Errorf("E4 entry %d: %w", i+1, err)
		}
		out = append(out, e)
	}
	return out, nil
}

// parseLogEntry takes decision (1), IMEI (7, all F when none), number of the start (2).
func parseLogEntry(v []byte) (LogEntry, error) {
	e := LogEntry{Decision: Decision(v[0]), Start: binary.BigEndian.Uint16(v[8:])}
	if IMEIView(v[1:8]) == noIMEI {
		return e, nil
	}
	view, err := decodeIMEIView(v[1:8])
	e.IMEI = &view
	return e, err
}

// LogView is an entry as reports show it.
type LogView struct {
	Decision string `json:"decision"`
	IMEI     string `json:"imei"` // "none" when the terminal gave none
	Start    uint16 `json:"start"`
}

// View is the entry for reports; the IMEI is shortened unless reveal.
func (e LogEntry) View(reveal bool) LogView {
	v := LogView{Decision: e.Decision.Code(), IMEI: "none", Start: e.Start}
	if e.IMEI != nil {
		v.IMEI = e.IMEI.Text(reveal)
	}
	return v
}
