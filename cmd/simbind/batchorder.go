package main

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/batch"
	"github.com/simbind/simbind/personalize/job"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/personalize/ledger"
)

// jobFlags say how a job is read.
type jobFlags struct{ allowTestIMEI, allowSameIMEI bool }

func (o *jobFlags) add(c *cobra.Command) {
	c.Flags().BoolVar(&o.allowTestIMEI, "allow-test-imei", false, "accept IMEIs whose TAC begins with 00")
	c.Flags().BoolVar(&o.allowSameIMEI, "allow-same-imei", false, "accept one full IMEI for several cards of a job")
}

// loadJob reads a job, validated whole.
func loadJob(path, identity string, o *jobFlags) (*job.Job, error) {
	j, err := job.Load(path, job.Options{AllowTestIMEI: o.allowTestIMEI, AllowSameIMEI: o.allowSameIMEI, Identity: identity})
	return j, fileError(path, err)
}

// orderOf is a job as the bench and the ledger know it.
func orderOf(j *job.Job) batch.Order {
	out := batch.Order{Job: ledger.Job{Digest: j.Digest, Name: j.Name, ICCIDs: j.ICCIDs(), Dual: j.Approval.Required}}
	for _, x := range j.Approval.Approvers {
		out.Approvers = append(out.Approvers, ledger.Approver(x))
	}
	out.Wish = func(iccid string) (personalize.Wish, bool) {
		r, ok := j.Row(iccid)
		return personalize.Wish{Configuration: r.Configuration, Expected: personalize.Expected{ICCID: r.ICCID, IMSI: r.IMSI}}, ok
	}
	return out
}

// settle fills in what the job says and no flag does.
func (o *batchFlags) settle(j *job.Job) {
	o.row = cmp.Or(o.row, j.FailuresInARow)
	o.reseats = cmp.Or(o.reseats, j.Attempts)
	o.identity = cmp.Or(o.identity, j.Keys.Identity)
	if len(o.recipients) == 0 {
		o.recipients = j.Backups.Recipients
	}
	if len(o.hookGet)+len(o.hookGood)+len(o.bad) == 0 {
		o.hookGet, o.hookGood, o.bad = j.Hooks.Get, j.Hooks.Good, j.Hooks.Bad
	}
}

// batchSecrets gives the secrets of the cards: from the flags, or from where the job says they are. end forgets them.
func (a *app) batchSecrets(ctx context.Context, j *job.Job, o *batchFlags) (secrets func(iccid string) (keys.Card, error), end func(), err error) {
	if o.testKeys {
		secrets, err = a.provider(ctx, &o.secretFlags)
		return secrets, func() {}, err
	}
	source, err := openKeys(j, o)
	if err != nil {
		return nil, nil, err
	}
	return func(iccid string) (keys.Card, error) {
		row, _ := j.Row(iccid)
		card, err := source.Card(iccid, row.Key)
		if err != nil {
			return card, err
		}
		return card, a.codes(ctx, &o.secretFlags, &card)
	}, func() { _ = source.Close() }, nil
}

// openKeys looks through the key file once.
func openKeys(j *job.Job, o *batchFlags) (keys.Source, error) {
	switch {
	case o.keys != "":
		return keys.Open(o.keys, o.identity)
	case j.Keys.Token != nil:
		return nil, &usageError{err: errors.New("the job keeps its keys in a PKCS#11 token, which this build cannot reach"), hint: "--keys FILE names a key file"}
	case j.Keys.File == "":
		return nil, &usageError{err: errors.New("no keys"), hint: "--keys FILE names those of the cards"}
	case filepath.Clean(j.Keys.File) == filepath.Clean(j.Cards):
		return keys.Open(j.Keys.File, o.identity, job.Columns()...)
	}
	return keys.Open(j.Keys.File, o.identity)
}
