package image

import (
	"errors"
	"fmt"
)

// ErrImage is wrapped by every refusal of an image: a card file may hold anything.
var ErrImage = errors.New("card image")

// Check tells whether a card can be made of the image: lengths, kinds and references that everything else relies on.
func (i Image) Check() error {
	if err := checkATR(i.ATR); err != nil {
		return err
	}
	for _, p := range i.PINs {
		if len(p.Code) != 8 || len(p.PUK) != 0 && len(p.PUK) != 8 || p.Tries < 1 || p.Tries > 15 || p.PUKTries < 0 || p.PUKTries > 15 {
			return fmt.Errorf("%w: code %02X", ErrImage, p.Ref)
		}
	}
	paths := map[string]bool{}
	for _, f := range i.Files {
		if paths[f.Path] || f.Path == "" {
			return fmt.Errorf("%w: path %q stands twice or is empty", ErrImage, f.Path)
		}
		paths[f.Path] = true
		if err := f.check(); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrImage, f.Path, err)
		}
	}
	for _, p := range i.Platform {
		if !validAID(p.AID) {
			return fmt.Errorf("%w: package %X of the platform", ErrImage, []byte(p.AID))
		}
	}
	for _, a := range i.Applets {
		if !validAID(a.Package) || !validAID(a.Module) || !validAID(a.Instance) || a.Timers < 0 || a.Timers > 8 {
			return fmt.Errorf("%w: applet %X", ErrImage, []byte(a.Instance))
		}
	}
	return i.Domain.check()
}

func validAID(aid []byte) bool { return len(aid) >= 5 && len(aid) <= 16 }

// checkATR: TS, T0, and as many interface and historical bytes as they announce (ISO/IEC 7816-3 clause 8.2).
func checkATR(atr []byte) error {
	if len(atr) < 2 || len(atr) > 33 {
		return fmt.Errorf("%w: ATR of %d bytes", ErrImage, len(atr))
	}
	at, present := 2, atr[1]>>4
	for present != 0 {
		for bit := range 4 {
			at += int(present >> bit & 1)
		}
		if at > len(atr) {
			return fmt.Errorf("%w: ATR is cut", ErrImage)
		}
		if present&0x08 == 0 {
			break
		}
		present = atr[at-1] >> 4
	}
	if at+int(atr[1]&0x0F) > len(atr) {
		return fmt.Errorf("%w: ATR is cut", ErrImage)
	}
	return nil
}

// maxContent is the largest file: offsets have 15 bits.
const maxContent = 1 << 15

func (f File) check() error {
	switch f.Kind {
	case DF:
		if len(f.AID) > 16 || len(f.PINRefs) > 8 {
			return errors.New("AID or key references too long")
		}
		return nil
	case Transparent:
		if f.RecordSize != 0 {
			return errors.New("a transparent file has no records")
		}
	case LinearFixed, Cyclic:
		if f.RecordSize < 1 || f.RecordSize > 255 || len(f.Content)%f.RecordSize != 0 || len(f.Content)/f.RecordSize > 254 {
			return errors.New("records do not divide the content")
		}
	default:
		return fmt.Errorf("kind %q", f.Kind)
	}
	if len(f.Content) > maxContent {
		return errors.New("content too large")
	}
	return nil
}

func (d Domain) check() error {
	if !validAID(d.AID) || len(d.KDD) != 10 || d.NonVolatile < 0 || d.Volatile < 0 || d.MaxData != 0 && (d.MaxData < 64 || d.MaxData > 255) {
		return fmt.Errorf("%w: security domain", ErrImage)
	}
	for _, k := range d.Keys {
		for _, key := range [][]byte{k.ENC, k.MAC, k.DEK} {
			if len(key) != 16 && (k.Protocol == 0x02 || len(key) != 24 && len(key) != 32) {
				return fmt.Errorf("%w: key set %02X", ErrImage, k.KVN)
			}
		}
	}
	return nil
}
