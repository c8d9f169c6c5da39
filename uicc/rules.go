package uicc

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/simbind/simbind/apdu"
)

// RuleReader reads the access rules of files, each record of an EF_ARR once. It selects files: what was current is not any more.
type RuleReader struct {
	t       apdu.Transmitter
	records map[string][]AccessRule
}

// NewRuleReader reads through t.
func NewRuleReader(t apdu.Transmitter) *RuleReader {
	return &RuleReader{t: t, records: map[string][]AccessRule{}}
}

// Rules gives the access rules of a file by its FCP and path: expanded in the FCP, or a record of the EF_ARR it refers to, which stands
// where the file is or higher up (clause 9.2.4). What cannot be read is one rule "not understood"; an error is a link that failed.
func (r *RuleReader) Rules(ctx context.Context, fcp FCP, path Path) ([]AccessRule, error) {
	if len(fcp.Expanded) > 0 {
		rules, err := ParseARR(fcp.Expanded)
		return understood(rules, err), nil
	}
	for _, ref := range fcp.Rules {
		if ref.SEID <= 1 && len(path) > 0 {
			return r.record(ctx, arrPath(ref.FID, path), ref.Record)
		}
	}
	return understood(nil, nil), nil
}

func understood(rules []AccessRule, err error) []AccessRule {
	if err != nil || len(rules) == 0 {
		return []AccessRule{{Condition: NotUnderstood}}
	}
	return rules
}

// arrPath: an EF_ARR of 2FXX is the MF's, others stand beside the file.
func arrPath(fid FID, of Path) Path {
	if fid>>8 == 0x2F {
		return Path{MF, fid}
	}
	return append(slices.Clone(of[:len(of)-1]), fid)
}

func (r *RuleReader) record(ctx context.Context, path Path, number byte) ([]AccessRule, error) {
	key := fmt.Sprintf("%s %d", path, number)
	if rules, ok := r.records[key]; ok {
		return rules, nil
	}
	rules, err := r.read(ctx, path, number)
	if errors.As(err, new(*apdu.LinkError)) {
		return nil, err
	}
	r.records[key] = understood(rules, err)
	return r.records[key], nil
}

// read looks for EF_ARR where the file is, then one directory higher: files of DF_5GS may use that of the ADF.
func (r *RuleReader) read(ctx context.Context, path Path, number byte) ([]AccessRule, error) {
	fcp, err := SelectFilePath(ctx, r.t, "EF_ARR", path)
	for errors.Is(err, apdu.SWFileNotFound) && len(path) > 2 {
		path = slices.Delete(slices.Clone(path), len(path)-2, len(path)-1)
		fcp, err = SelectFilePath(ctx, r.t, "EF_ARR", path)
	}
	if err != nil {
		return nil, err
	}
	resp, err := apdu.Do(ctx, r.t, "READ RECORD EF_ARR", ReadRecord(0, number, fcp.RecordSize))
	if err != nil {
		return nil, err
	}
	return ParseARR(resp.Data)
}
