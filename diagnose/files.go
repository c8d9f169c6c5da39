package diagnose

import (
	"context"
	"errors"
	"fmt"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
)

// FileView is a file of the card as it stands, by its name.
type FileView struct {
	Name       string `json:"name"`
	Path       string `json:"path"` // from 3F00, or 7FFF for files of ADF.USIM
	Structure  string `json:"structure,omitempty"`
	Size       int    `json:"size,omitempty"`        // bytes of data
	RecordSize int    `json:"record_size,omitempty"` // bytes
	Records    int    `json:"records,omitempty"`
	SFI        int    `json:"sfi,omitempty"`
	State      string `json:"state,omitempty"` // life cycle
	Read       string `json:"read,omitempty"`  // condition in words: always, never, PIN1, ADM1, not understood
	Update     string `json:"update,omitempty"`
	Link       string `json:"link,omitempty"` // path of the file this one is physically
	Refused    string `json:"refused,omitempty"`
}

// Inventory is what Files finds beside the files themselves.
type Inventory struct {
	Files    []FileView
	Services []ServiceView // of EF_UST
	Network  string        // EF_SPN
}

// Files selects every file of the table (package usim) that the card has and reads its access rule, then the service table and the
// name of the network. Files that are not there are left out. Nothing but reading commands gets through.
func Files(ctx context.Context, card apdu.Transmitter, adf []byte) (Inventory, error) {
	r := &reader{ctx: ctx, t: apdu.ReadOnly(card), f: &Facts{USIM: adf}}
	out := Inventory{Files: []FileView{}, Services: []ServiceView{}}
	if err := r.adf(); err != nil {
		return out, err
	}
	rules := uicc.NewRuleReader(r.t)
	if r.f.ADF != nil {
		if err := r.files(); err != nil {
			return out, err
		}
		out.Services, out.Network = ViewServices(r.f.UST), NetworkName(r.f.SPN)
	}
	for _, file := range inOrder(r.f.ADF != nil) {
		v, ok, err := r.fileView(rules, file)
		if err != nil {
			return out, err
		}
		if ok {
			out.Files = append(out.Files, v)
		}
	}
	return out, nil
}

// inOrder: files of the ADF first, while it is the current application.
func inOrder(withADF bool) []usim.File {
	var own, others []usim.File
	for _, file := range usim.Files {
		switch {
		case file.Path[0] != uicc.CurrentADF:
			others = append(others, file)
		case withADF:
			own = append(own, file)
		}
	}
	return append(own, others...)
}

func (r *reader) fileView(rules *uicc.RuleReader, file usim.File) (v FileView, ok bool, err error) {
	v = FileView{Name: file.Name, Path: file.Path.String()}
	fcp, err := uicc.SelectFilePath(r.ctx, r.t, file.Name, file.Path)
	switch {
	case errors.Is(err, apdu.SWFileNotFound):
		return v, false, nil
	case errors.As(err, new(*apdu.LinkError)):
		return v, false, err
	case err != nil:
		v.Refused = err.Error()
		return v, true, nil
	}
	v.Structure, v.Size, v.SFI, v.State = fcp.Structure.String(), fcp.Size, int(fcp.SFI), fcp.LifeCycle.String()
	v.RecordSize, v.Records, v.Link = fcp.RecordSize, fcp.Records, fcp.Link.String()
	known, err := rules.Rules(r.ctx, fcp, file.Path)
	v.Read, v.Update = uicc.RuleFor(known, uicc.ModeRead), uicc.RuleFor(known, uicc.ModeUpdate)
	return v, true, err
}

// Shape is structure and size in words: "transparent, 9 bytes", "linear fixed, 2 records of 38 bytes".
func (v FileView) Shape() string {
	switch {
	case v.Records == 1:
		return fmt.Sprintf("%s, 1 record of %d bytes", v.Structure, v.RecordSize)
	case v.Records > 1:
		return fmt.Sprintf("%s, %d records of %d bytes", v.Structure, v.Records, v.RecordSize)
	}
	return fmt.Sprintf("%s, %d bytes", v.Structure, v.Size)
}
