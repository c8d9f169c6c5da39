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
	source, err := a.openKeys(ctx, j, o)
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

// openKeys opens the key file or the token once; in a file every card must have a row.
func (a *app) openKeys(ctx context.Context, j *job.Job, o *batchFlags) (keys.Source, error) {
	if o.keys != "" {
		t, err := keys.LoadToken(o.keys)
		if err != nil {
			return nil, fileError(o.keys, err)
		}
		j.Keys = job.KeySource{Token: t}
		if t == nil {
			j.Keys = job.KeySource{File: o.keys, Identity: o.identity}
		}
	}
	source, err := jobSource(ctx, j, func() (string, error) { return a.tokenPIN(ctx, &o.secretFlags) })
	if source == nil && err == nil {
		err = &usageError{err: errors.New("no keys"), hint: "--keys FILE names those of the cards"}
	}
	return source, err
}
