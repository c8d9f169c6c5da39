package explore

// IMEIs of the two terminals.
const (
	imeiA = "49015420323751"
	imeiB = "35209900176148"
)

// What terminals answer.
var (
	answerA    = Answer{Text: "imei " + imeiA + "8", Terminal: 'A', IMEI: []byte(raw(imeiA))}
	answerB    = Answer{Text: "imei " + imeiB + "1", Terminal: 'B', IMEI: []byte(raw(imeiB))}
	answerNone = Answer{Text: "answer 10", Terminal: 'N', Result: 0x10}
	answer30   = Answer{Text: "answer 30", Terminal: 'N', Result: 0x30}
	answerBusy = Answer{Text: "answer 20", Result: 0x20}
	busyToEnd  = Answer{Text: "busy", Terminal: 'N', Result: 0x20, Busy: true}
)

func templates(list ...string) [][]byte {
	var out [][]byte
	for _, t := range list {
		out = append(out, []byte(raw(t)))
	}
	return out
}

// Templates of the worlds.
const (
	firstInsert  = "E003800101"
	presetA      = "E00C8001028107" + imeiA
	presetB      = "E00C8001028107" + imeiB
	presetAyes   = "E0178001028107" + imeiA + "8409" + denialYes
	presetAodd   = "E0178001028107" + imeiA + "8409" + denialOdd
	presetAnew   = "E0178001028107" + imeiA + "8409" + imsiNew
	presetAblind = "E00F8001028107" + imeiA + "830101"
	presetAkeep  = "E00F8001028107" + imeiA + "830110"
	presetAwatch = "E00F8001028107" + imeiA + "830120"
	presetAreset = "E00F8001028107" + imeiA + "850104"
	strictA      = "E00F8001028107" + imeiA + "830102"
	strictAreset = "E0128001028107" + imeiA + "830102850104"
	strictFirst  = "E006800101830102"
	firstTwo     = "E006800101860102"
	off          = "E003800100"
	backUp       = "E203800101"
	restore      = "E203800102"
	unbind       = "E203800103"
	bindA        = "E20C8001048107" + imeiA
	bindB        = "E20C8001048107" + imeiB
	clear        = "E203800105"
	goBack       = "E203800106"
)

var (
	issueBoth = Issue{"both", imsiNew}
	issueUSIM = Issue{"usim", imsiNew}
	issueGSM  = Issue{"gsm", imsiNew}
	issueOld  = Issue{"both", imsiOld}
	issueNear = Issue{"both", imsiNear}
)

var (
	three    = []Answer{answerA, answerB, answerNone}
	outcomes = []byte{0x00, 0x20, 0x30}
)

// small is a world with what all have in common.
func small(name string, copies int, first string, list []string, issues ...Issue) World {
	w := World{Name: name, Copies: copies, Templates: templates(list...), Issues: issues,
		Answers: three, Refresh: outcomes, Events: 1, Torn: true, Faults: true}
	if first != "" {
		w.First = []byte(raw(first))
	}
	return w
}

// Worlds are the bounded set that every test run searches, each to its end or to a number of states.
func Worlds() []World {
	busy := small("busy, asked again", 1, presetAreset, []string{presetAblind}, issueBoth)
	busy.Answers, busy.Twice = append(three, answerBusy, busyToEnd, answer30), true
	empty := small("EF_IMSI blank", 2, firstInsert, []string{backUp}, issueUSIM, issueGSM)
	empty.Blank = true
	locked := small("one copy locked", 2, presetA, []string{off, restore}, issueBoth)
	locked.Locked = true
	removed := small("removed", 2, presetAyes, nil, issueBoth)
	removed.Remove = true
	return []World{
		small("preset", 1, presetA, []string{off, restore}, issueBoth),
		small("preset, two copies", 2, presetA, []string{off}, issueBoth, issueGSM),
		small("first-insert", 1, firstInsert, []string{unbind, bindB, firstTwo}, issueBoth),
		small("strict start", 1, strictA, []string{restore, strictA}, issueBoth),
		small("strict start by reset", 1, strictAreset, []string{clear}, issueBoth),
		small("denial values", 1, presetAyes, []string{presetAodd, presetA}, issueBoth),
		small("a denial value to come", 1, presetA, []string{presetAnew}, issueBoth),
		small("back and forth", 2, firstInsert, []string{goBack, restore}, issueBoth, issueUSIM),
		small("observe, keep location", 1, presetA, []string{presetAwatch, presetAkeep}, issueBoth),
		small("unconfigured", 1, "", []string{presetAreset, firstInsert}, issueBoth),
		busy, empty, locked, removed,
		quiet("strict start in a loop", strictA), quiet("strict start in a loop, by reset", strictAreset),
		quiet("a terminal busy at REFRESH", presetA), quiet("location under a denial value", presetAyes),
		torn("denial values torn", presetA, presetAodd),
	}
}

// quiet is a world of terminals alone, power never cut within a step: it is searched to its end.
func quiet(name, first string) World {
	w := small(name, 1, first, nil)
	w.Torn, w.Faults, w.Uncut = false, false, true
	return w
}

// torn is a world of denial values that a cut may leave half-written, searched for that alone.
func torn(name string, list ...string) World {
	w := small(name, 1, presetAyes, list)
	w.Faults, w.Refresh = false, []byte{0x00}
	return w
}

// More are the worlds for a whole search: more events in a session, more configurations and every action.
func More() []World {
	actions := []string{backUp, restore, unbind, bindA, bindB, clear, goBack}
	wide := small("every action, first-insert", 2, firstTwo, actions, issueBoth, issueUSIM, issueGSM, issueOld)
	strict := small("every action, strict start", 1, strictFirst, actions, issueBoth, issueOld)
	changes := small("every configuration", 1, "", []string{firstInsert, firstTwo, presetA, presetB, presetAyes, presetAodd, presetAblind, presetAkeep,
		presetAwatch, presetAreset, strictA, strictAreset, strictFirst, off}, issueBoth)
	pairs := small("two events a session", 2, presetA, []string{off, restore, presetAyes, presetB, goBack}, issueBoth, issueUSIM)
	pairs.Events = 2
	strictPairs := small("strict start, two events", 1, strictA, []string{off, restore, strictAreset, presetA, goBack}, issueBoth, issueOld)
	strictPairs.Events, strictPairs.Twice = 2, true
	near := small("neighbouring IMSI", 2, presetAyes, []string{goBack, presetAodd}, issueNear, issueOld)
	near.Answers = append(three, answerBusy, busyToEnd, answer30)
	return []World{wide, strict, changes, pairs, strictPairs, near}
}
