package diagnose

import (
	"errors"
	"fmt"

	"github.com/simbind/simbind/personalize"
)

// stationKinds are about what this station knows of the card.
var stationKinds = []kind{
	{"key_attempts", Warning, "authentications with this card failed on this station", "find the right keys before the next one: a card blocks its key set after some failures, for ever", seeAttempts},
	{"station_backup_differs", Warning, "EF_IMSI is not the one this station saved", "if the issuer did not change the IMSI, 'simbind restore FILE' gives the saved one back", seeStationBackup},
}

func seeAttempts(f *Facts, _ Show) string {
	if f.Station == nil || f.Station.Failed == 0 {
		return ""
	}
	return fmt.Sprintf("%d failed since the last that succeeded; at %d the next is refused here", f.Station.Failed, personalize.DefaultAttempts)
}

// seeStationBackup compares plausible content alone: the denial value, or a blank file, is told elsewhere.
func seeStationBackup(f *Facts, s Show) string {
	if f.Station == nil || f.Station.Backup == nil {
		return ""
	}
	return f.eachCopy(func(c Copy) string {
		for _, saved := range f.Station.Backup.Copies {
			raw, err := saved.Bytes()
			if saved.Place != c.Place || err != nil || !plausible(c.Content) || f.denied() || [9]byte(c.Content) == raw {
				continue
			}
			return fmt.Sprintf("%s on the card, %s saved on %s", s.IMSI(c.Content, f.MNC()), s.IMSI(raw[:], f.MNC()), f.Station.Backup.Time.Format("2006-01-02"))
		}
		return ""
	})
}

// LookAtStation adds what the station keeps of the card. What cannot be opened is told as unread.
func (f *Facts) LookAtStation(store *personalize.Store) {
	f.Station = &Station{}
	if f.ICCID == "" {
		return
	}
	note := func(what string, err error) {
		if err != nil {
			f.Unread = append(f.Unread, Unread{What: what, Why: err.Error()})
		}
	}
	attempts, err := store.Attempts(f.ICCID.String())
	if err == nil {
		f.Station.Failed = attempts.Failed()
	}
	note("failed authentications of this station", err)
	b, err := store.LatestBackup(f.ICCID.String())
	if err == nil {
		f.Station.Backup = &b
	}
	if !errors.Is(err, personalize.ErrNoBackup) {
		note("backup of this station", err)
	}
}
