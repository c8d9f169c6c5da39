package main

import (
	"cmp"
	"context"
	"errors"

	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/batch"
	"github.com/simbind/simbind/personalize/job"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/personalize/ledger"
)

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

// openKeys looks through the key file once: every card must have a row.
func openKeys(j *job.Job, o *batchFlags) (keys.Source, error) {
	if o.keys != "" {
		j.Keys = job.KeySource{File: o.keys, Identity: o.identity}
	}
	switch {
	case j.Keys.Token != nil:
		return nil, &usageError{err: errors.New("the job keeps its keys in a PKCS#11 token, which this build cannot reach"), hint: "--keys FILE names a key file"}
	case j.Keys.File == "":
		return nil, &usageError{err: errors.New("no keys"), hint: "--keys FILE names those of the cards"}
	}
	f, err := j.OpenKeys()
	if err != nil {
		return nil, fileError(j.Keys.File, err)
	}
	return f, nil
}
