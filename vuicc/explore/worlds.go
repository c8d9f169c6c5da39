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
