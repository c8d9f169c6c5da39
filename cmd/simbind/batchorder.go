package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/batch"
	"github.com/simbind/simbind/personalize/job"
	"github.com/simbind/simbind/personalize/ledger"
)

// jobFlags say how a job is read.
type jobFlags struct{ allowTestIMEI, allowSameIMEI bool }

func (o *jobFlags) add(c *cobra.Command) {
	c.Flags().BoolVar(&o.allowTestIMEI, "allow-test-imei", false, "accept IMEIs whose TAC begins with 00")
	c.Flags().BoolVar(&o.allowSameIMEI, "allow-same-imei", false, "accept one full IMEI for several cards of a job")
}

// order loads a job, validated whole.
func (a *app) order(path string, o *jobFlags) (batch.Order, error) {
	j, err := job.Load(path, job.Options{AllowTestIMEI: o.allowTestIMEI, AllowSameIMEI: o.allowSameIMEI})
	if err != nil {
		return batch.Order{}, fileError(path, err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return batch.Order{}, fileError(path, err)
	}
	sum := sha256.Sum256(b)
	out := batch.Order{Job: ledger.Job{Digest: hex.EncodeToString(sum[:]), Name: strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))}}
	rows := map[string]job.Row{}
	for _, r := range j.Rows {
		out.ICCIDs = append(out.ICCIDs, r.ICCID)
		rows[r.ICCID] = r
	}
	out.Wish = func(iccid string) (personalize.Wish, bool) {
		r, ok := rows[iccid]
		return personalize.Wish{Configuration: r.Configuration, Expected: personalize.Expected{ICCID: r.ICCID, IMSI: r.IMSI}}, ok
	}
	return out, nil
}
