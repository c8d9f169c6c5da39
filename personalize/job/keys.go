package job

import (
	"errors"
	"fmt"

	"github.com/simbind/simbind/personalize/keys"
)

// OpenKeys opens the job's key file and looks whether every card has a row with keys in it, without opening one. The error is
// *Faults when a card has none, *keys.Error or *keys.Errors when the file is at fault. A job whose keys are elsewhere, in a
// token or named by flags, gives nil.
func (j *Job) OpenKeys() (*keys.File, error) {
	if j.Keys.File == "" {
		return nil, nil
	}
	var also []string
	for name := range columns {
		also = append(also, name)
	}
	if j.Keys.File != j.Cards { // a key file has no columns of a job
		also = nil
	}
	f, err := keys.Open(j.Keys.File, j.Keys.Identity, also...)
	if err != nil {
		return nil, err
	}
	if err := j.covered(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// OpenSource opens where the job's keys are: the key file, looked through as OpenKeys does, or the token, whose PIN ask gives where no file
// does. nil: the job names no source.
func (j *Job) OpenSource(ask func() (string, error)) (keys.Source, error) {
	if j.Keys.Token != nil {
		return j.openToken(ask)
	}
	f, err := j.OpenKeys()
	if f == nil || err != nil {
		return nil, err
	}
	return f, nil
}

// openToken looks before the first card whether the masters of all cards are there, and fit.
func (j *Job) openToken(ask func() (string, error)) (keys.Source, error) {
	source, err := keys.OpenToken(j.Keys.Token, ask)
	if err != nil {
		return nil, err
	}
	if err := j.mastersThere(source); err != nil {
		return nil, errors.Join(err, source.Close())
	}
	return source, nil
}

func (j *Job) mastersThere(source keys.Source) error {
	var faults Faults
	looked := map[string]bool{}
	for i, packed := range j.table.iccids {
		name := ""
		if j.table.names {
			name = j.table.read(i).Key
		}
		if looked[name] {
			continue
		}
		looked[name] = true
		_, err := source.Card(unpack(packed), name)
		switch {
		case errors.Is(err, keys.ErrNoCard):
			faults.add(Fault{File: j.Cards, Line: int(j.table.lines[i]), Column: 1, Name: "key", Reason: err.Error(), Remedy: "look at the labels of the keys in the token"})
		case err != nil:
			return err
		}
		if !j.table.names {
			break
		}
	}
	return faults.asError()
}

// covered wants keys for every card.
func (j *Job) covered(f *keys.File) error {
	var faults Faults
	for i, packed := range j.table.iccids {
		iccid, name := unpack(packed), ""
		if j.table.names {
			name = j.table.read(i).Key
		}
		row, full := f.Has(iccid, name)
		if full {
			continue
		}
		fault := Fault{File: j.Cards, Line: int(j.table.lines[i]), Column: 1, Name: "iccid",
			Reason: fmt.Sprintf("%s has no row for this card", j.Keys.File), Remedy: "add one, or take the card out of the job"}
		if name != "" {
			fault.Name, fault.Reason = "key", fmt.Sprintf("%s has no row of that name", j.Keys.File)
		}
		if row {
			fault.Reason, fault.Remedy = fmt.Sprintf("its row in %s has no keys", j.Keys.File), "fill in enc and mac"
		}
		faults.add(fault)
	}
	return faults.asError()
}
