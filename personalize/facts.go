package personalize

import (
	"context"
	"errors"
	"fmt"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
)

// Facts is what was read of a card.
type Facts struct {
	Reader   string
	ATR      []byte
	ICCID    uicc.ICCID
	EFICCID  []byte
	Applet   *Applet // nil: not on the card
	USIM     []byte  // AID of ADF.USIM
	PIN1     bool    // PIN1 is enabled
	Copies   []Copy
	AD, UST  []byte
	Location []File
}

// Copy is one copy of EF_IMSI.
type Copy struct {
	Place   string
	FCP     uicc.FCP
	Content []byte // 9 bytes as they stand in the file
	Linked  uicc.Path
}

// File is the raw content of one file.
type File struct {
	Name    string
	Content []byte
}

// PINNeededError is an EF_IMSI that only PIN1 opens.
type PINNeededError struct{}

func (PINNeededError) Error() string { return "READ EF_IMSI: PIN1 is enabled, and no PIN is at hand" }

// UnfitError is a card that cannot be personalized as it is. Nothing was written.
type UnfitError struct {
	Reason string
	Err    error
}

func (e *UnfitError) Error() string {
	if e.Err != nil {
		return e.Reason + ": " + e.Err.Error()
	}
	return e.Reason
}

func (e *UnfitError) Unwrap() error { return e.Err }

// identify reads EF_ICCID right after a reset, when the MF is current.
func (r *Run) identify(ctx context.Context, f *Facts) error {
	f.Reader, f.ATR = r.Card.Reader(), r.Card.ATR()
	id, raw, err := uicc.ReadICCID(ctx, r.Card)
	if err != nil {
		return err
	}
	f.ICCID, f.EFICCID = id, raw
	return nil
}

// readFiles reads every copy of EF_IMSI and what the backup keeps beside it.
func (r *Run) readFiles(ctx context.Context, f *Facts) error {
	if err := r.selectUSIM(ctx, f); err != nil {
		return err
	}
	if f.USIM != nil {
		if err := r.readUSIM(ctx, f); err != nil {
			return err
		}
	}
	return r.readGSM(ctx, f)
}

// selectUSIM takes the ADF the applet works on, and without one the first USIM of EF_DIR.
func (r *Run) selectUSIM(ctx context.Context, f *Facts) error {
	aid := []byte(nil)
	if f.Applet != nil {
		aid = f.Applet.Info.ADF
	}
	if aid == nil {
		// An applet that is selected takes every SELECT that names no AID (TS 102 221 clause 8.5.1): only a reset leads back to the MF.
		if f.Applet != nil {
			if err := r.Card.Reset(ctx, false); err != nil {
				return err
			}
		}
		var err error
		if aid, err = usim.FindUSIM(ctx, r.Card); err != nil || aid == nil {
			return err
		}
	}
	fcp, err := uicc.SelectAID(ctx, r.Card, "ADF.USIM", aid)
	if err != nil {
		return err
	}
	f.USIM, f.PIN1 = aid, fcp.PINEnabled(uicc.PIN1)
	return nil
}

func (r *Run) readUSIM(ctx context.Context, f *Facts) error {
	if err := r.readCopy(ctx, f, PlaceUSIM, usim.EFIMSI.FID); err != nil {
		return err
	}
	var err error
	if f.AD, err = r.optional(ctx, usim.EFAD); err != nil {
		return err
	}
	if f.UST, err = r.optional(ctx, usim.EFUST); err != nil {
		return err
	}
	return r.readLocation(ctx, f)
}

// readCopy selects a copy of EF_IMSI below the current ADF or DF and reads it. A missing file is no error.
func (r *Run) readCopy(ctx context.Context, f *Facts, place string, fid uicc.FID) error {
	fcp, err := uicc.SelectFile(ctx, r.Card, "EF_IMSI", fid)
	if errors.Is(err, apdu.SWFileNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return r.addCopy(ctx, f, place, fcp)
}

func (r *Run) addCopy(ctx context.Context, f *Facts, place string, fcp uicc.FCP) error {
	if !fcp.IsTransparent() || fcp.Size != usim.EFIMSI.Size {
		return &UnfitError{Reason: fmt.Sprintf("%s: not a transparent file of %d bytes", place, usim.EFIMSI.Size)}
	}
	if err := r.presentPIN(ctx, f); err != nil {
		return err
	}
	content, err := uicc.ReadTransparent(ctx, r.Card, "EF_IMSI", usim.EFIMSI.Size)
	if errors.Is(err, apdu.SWSecurityStatus) && f.PIN1 {
		return PINNeededError{}
	}
	if err != nil {
		return err
	}
	f.Copies = append(f.Copies, Copy{Place: place, FCP: fcp, Content: content, Linked: fcp.Link})
	return nil
}

// presentPIN verifies PIN1 once per reset when it is enabled and a PIN is at hand.
func (r *Run) presentPIN(ctx context.Context, f *Facts) error {
	if !f.PIN1 || r.pinDone {
		return nil
	}
	secrets, err := r.keysFor(f.ICCID)
	if errors.Is(err, ErrNoKeys) || err == nil && secrets.PIN1.IsZero() {
		return PINNeededError{}
	}
	if err != nil {
		return err
	}
	if err := uicc.Verify(ctx, r.Card, uicc.PIN1, secrets.PIN1, r.PINFloor); err != nil {
		return err
	}
	r.pinDone = true
	return nil
}

// readGSM reads the copy below MF/7F20, unless there is none: the USIM's copy is that very file (link in its FCP), or the applet, which
// looks for a second file itself and counts it readable or not, manages the USIM's alone (card interface §7, tag 85).
func (r *Run) readGSM(ctx context.Context, f *Facts) error {
	if a := f.Applet; a != nil && a.Info.Copies.USIM() && !a.Info.Copies.GSM() {
		return nil
	}
	for _, c := range f.Copies {
		if c.Linked.Equal(usim.GSMIMSI.Path) {
			return nil
		}
	}
	fcp, err := uicc.SelectFilePath(ctx, r.Card, "DF_GSM EF_IMSI", usim.GSMIMSI.Path)
	if errors.Is(err, apdu.SWFileNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return r.addCopy(ctx, f, PlaceGSM, fcp)
}

// readLocation reads the files that tell where the subscriber last was. They are kept for diagnosis; what cannot be
// read is left out.
func (r *Run) readLocation(ctx context.Context, f *Facts) error {
	files := []usim.File{usim.EFLOCI, usim.EFPSLOCI}
	services := usim.Services(f.UST)
	if services.Available(usim.ServiceEMM) {
		files = append(files, usim.EFEPSLOCI)
	}
	for _, file := range files {
		if err := r.addLocation(ctx, f, file); err != nil {
			return err
		}
	}
	if !services.Available(usim.Service5GSMM) {
		return nil
	}
	fcp, err := uicc.SelectFilePath(ctx, r.Card, usim.EF5GS3GPPLOCI.Name, usim.EF5GS3GPPLOCI.Path)
	if err != nil {
		return onlyLink(err)
	}
	content, err := uicc.ReadTransparent(ctx, r.Card, usim.EF5GS3GPPLOCI.Name, fcp.Size)
	return f.addFile(usim.EF5GS3GPPLOCI.Name, content, err)
}

func (r *Run) addLocation(ctx context.Context, f *Facts, file usim.File) error {
	content, err := r.optional(ctx, file)
	return f.addFile(file.Name, content, err)
}

func (f *Facts) addFile(name string, content []byte, err error) error {
	if err == nil && content != nil {
		f.Location = append(f.Location, File{Name: name, Content: content})
	}
	return onlyLink(err)
}

// optional reads a file of the current ADF by its SFI; nil when the card refuses.
func (r *Run) optional(ctx context.Context, file usim.File) ([]byte, error) {
	content, err := uicc.ReadToEnd(ctx, r.Card, "READ BINARY "+file.Name, uicc.ReadBinarySFI(file.SFI, 0, 0))
	return content, onlyLink(err)
}

// onlyLink forgets a refusal by the card and keeps a broken link.
func onlyLink(err error) error {
	var link *apdu.LinkError
	if errors.As(err, &link) {
		return err
	}
	return nil
}
