package explore

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"
)

var all = []Answer{answerA, answerB, answerNone}
var outcomes = []byte{0, 0x20, 0x30}
var scratch = []World{
	{Name: "preset", Copies: 1, First: []byte(raw(presetA)), Answers: all, Refresh: outcomes, Events: 1, Torn: true, Faults: true,
		Templates: templates(off, presetA), Issues: []Issue{issueBoth}},
	{Name: "preset2", Copies: 2, First: []byte(raw(presetA)), Answers: all, Refresh: outcomes, Events: 1, Torn: true, Faults: true,
		Templates: templates(off, restore), Issues: []Issue{issueBoth, issueGSM}},
	{Name: "strict", Copies: 1, First: []byte(raw(strictA)), Answers: all, Refresh: outcomes, Events: 1, Torn: true, Faults: true,
		Templates: templates(off, restore, strictA), Issues: []Issue{issueBoth}},
	{Name: "first", Copies: 1, First: []byte(raw(firstInsert)), Answers: all, Refresh: outcomes, Events: 1, Torn: true, Faults: true,
		Templates: templates(unbind, bindB, firstTwo), Issues: []Issue{issueBoth}},
	{Name: "back", Copies: 2, First: []byte(raw(firstInsert)), Answers: all, Refresh: outcomes, Events: 1, Torn: true, Faults: true,
		Templates: templates(goBack, restore), Issues: []Issue{issueBoth, issueUSIM}},
	{Name: "plausible", Copies: 1, First: []byte(raw(presetAyes)), Answers: all, Refresh: outcomes, Events: 1, Torn: true, Faults: true,
		Templates: templates(presetA, presetAodd, presetAyes), Issues: []Issue{issueBoth}},
	{Name: "watch", Copies: 1, First: []byte(raw(presetA)), Answers: all, Refresh: outcomes, Events: 1, Torn: true, Faults: true,
		Templates: templates(presetAwatch, presetAkeep, presetA), Issues: []Issue{issueBoth}},
	{Name: "blank", Copies: 2, Blank: true, First: []byte(raw(firstInsert)), Answers: all, Refresh: outcomes, Events: 1, Torn: true, Faults: true,
		Templates: templates(backUp), Issues: []Issue{issueBoth, issueUSIM, issueGSM}},
	{Name: "strictreset", Copies: 1, First: []byte(raw(strictAreset)), Answers: append(all, busyToEnd), Refresh: outcomes, Events: 1, Torn: true, Faults: true, Twice: true,
		Templates: templates(clear), Issues: []Issue{issueBoth}},
	{Name: "unconf", Copies: 1, Answers: append(all, answer30, answerBusy), Refresh: outcomes, Events: 2, Torn: true, Faults: true, Twice: true,
		Templates: templates(presetAreset, firstInsert, presetAblind), Issues: []Issue{issueBoth}},
}

func TestScratch(t *testing.T) {
	limit, _ := strconv.Atoi(os.Getenv("LIMIT"))
	for _, w := range scratch {
		if n := os.Getenv("W"); n != "" && n != w.Name {
			continue
		}
		b := time.Now()
		r, err := Explore(w, limit)
		fmt.Println(r, err, time.Since(b))
		if r.Violation != "" {
			fmt.Println(r.Trace)
		}
	}
}
