package personalize_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/personalize"
)

// lying is a card whose answers change once it was written to.
type lying struct {
	personalize.Card
	written bool
	edit    func(c apdu.Command, r apdu.Response) apdu.Response
}

func (x *lying) Transmit(ctx context.Context, c apdu.Command) (apdu.Response, error) {
	r, err := x.Card.Transmit(ctx, c)
	if err == nil && (x.written || c.INS == apdu.INSStoreData) {
		r = x.edit(c, r)
	}
	x.written = x.written || c.INS == apdu.INSStoreData
	return r, err
}

// replacing edits the bytes of one object as it is read back.
func replacing(object byte, old, with string) func(apdu.Command, apdu.Response) apdu.Response {
	return func(c apdu.Command, r apdu.Response) apdu.Response {
		if c.INS == apdu.INSGetData && c.P2 == object {
			r.Data = bytes.Replace(r.Data, []byte(old), []byte(with), 1)
		}
		return r
	}
}

// TestReadsBackOtherwise: whatever differs from what was written ends in quarantine, and the next run keeps its hands off.
func TestReadsBackOtherwise(t *testing.T) {
	for what, edit := range map[string]func(apdu.Command, apdu.Response) apdu.Response{
		"configuration": replacing(0xE0, "\x83\x01\x00", "\x83\x01\x01"),
		"generation":    replacing(0xE1, "\x86\x02\x00\x01", "\x86\x02\x00\x02"),
		"state":         replacing(0xE1, "\x80\x01\x02", "\x80\x01\x04"),
		"backup of ADF.USIM/6F07": replacing(0xE1, "\x88\x09\x08\x09\x10\x10\x00\x00\x21\x43\x65",
			"\x88\x09\x08\x09\x10\x10\x00\x00\x21\x43\x66"),
	} {
		d := newDesk(t, "usim-linked")
		d.run.Card = &lying{Card: d.run.Card, edit: edit}
		_, err := d.personalize(firstInsert())
		var verify *personalize.VerifyError
		if !errors.As(err, &verify) || verify.What != what {
			t.Errorf("%s: %v", what, err)
		}
		d.reconnect()
		if _, err := d.personalize(firstInsert()); !errors.As(err, new(*personalize.QuarantineError)) {
			t.Errorf("%s: the next run: %v", what, err)
		}
		d.close()
	}
}

// TestConfigurationGone: a card that says it holds none is no proof either.
func TestConfigurationGone(t *testing.T) {
	d := newDesk(t, "usim-linked")
	defer func() { d.close() }()
	d.run.Card = &lying{Card: d.run.Card, edit: func(c apdu.Command, r apdu.Response) apdu.Response {
		if c.INS == apdu.INSGetData && c.P2 == binding.ObjectConfiguration {
			return apdu.Response{SW: apdu.SWReferenceNotFound}
		}
		return r
	}}
	var verify *personalize.VerifyError
	if _, err := d.personalize(firstInsert()); !errors.As(err, &verify) || verify.Got != "absent" {
		t.Errorf("error %v", err)
	}
}

// TestRefusedWrite: a refusal leaves the card as it was and the next run free; a memory that failed is for a person to look at.
func TestRefusedWrite(t *testing.T) {
	for sw, quarantined := range map[apdu.SW]bool{apdu.SWReferencedData: false, apdu.SWConditions: false, apdu.SWWrongData: false, apdu.SWMemory: true} {
		d := newDesk(t, "usim-linked")
		d.run.Card = &lying{Card: d.run.Card, edit: func(c apdu.Command, r apdu.Response) apdu.Response {
			if c.INS == apdu.INSStoreData {
				return apdu.Response{SW: sw}
			}
			return r
		}}
		_, err := d.personalize(firstInsert())
		var refused *binding.AppletError
		if !errors.As(err, &refused) || refused.SW != sw {
			t.Errorf("%s: %v", sw, err)
		}
		d.reconnect()
		_, err = d.personalize(firstInsert())
		if got := errors.As(err, new(*personalize.QuarantineError)); got != quarantined || !got && err != nil {
			t.Errorf("%s: the next run: %v", sw, err)
		}
		d.close()
	}
}
