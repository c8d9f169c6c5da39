package main

import (
	"fmt"
	"testing"
)

const (
	scenarioIMSI = "080910000110325476"
	cardIMSI     = "080910109078563412"
)

// used is a card that went on: 258 starts, generation 0005 where the scenario's card has 0001, and a log of one entry.
func used() *baseline {
	_, first := objectsOf("E11B82010384073520990017614891020000960908091010907856343F")
	return &baseline{
		imsi:     map[string]ownIMSI{"usim": {scenarioIMSI, cardIMSI}, "gsm": {scenarioIMSI, cardIMSI}},
		counters: [4]uint16{0x0102, 3, 4, 0xFFFF}, resets: 7, generation: 4, first: first,
		entries:   []string{"03352099001761480102"},
		histories: map[string][][]byte{"ADF1/6FF1": {{0x4F, 0x4B, 0xFF, 0xFF}, {0xFF, 0xFF, 0xFF, 0xFF}, {0xFF, 0xFF, 0xFF, 0xFF}}},
	}
}

func TestValuesOfAUsedCard(t *testing.T) {
	cleared := used()
	cleared.clear()
	never := used()
	never.generation = 0
	for _, c := range []struct{ name, got, want string }{
		{"counters", used().value("85", "0001000100000001", true), "010300040004FFFF"},
		{"counters after action 05", cleared.value("85", "0000000000000000", true), "0000000000000000"},
		{"generation", used().value("86", "0001", true), "0005"},
		{"generation turns over", fmt.Sprintf("%04X", (&baseline{generation: 0xFFFD}).shifted(3)), "0001"},
		{"generation of a fresh card", never.value("86", "0000", true), "0000"},
		{"resets before a decision", used().value("93", "0002", false), "0009"},
		{"resets after it", used().value("93", "0002", true), "0002"},
		{"no decision yet", used().value("82", "00", false), "03"},
		{"a decision", used().value("82", "02", true), "02"},
		{"backup", used().value("88", scenarioIMSI, true), cardIMSI},
		{"backup of an invention", used().value("95", "082926101160845740", true), "082926101160845740"},
		{"no replaced backup", used().value("96", "-", true), "08091010907856343F"},
		{"none here either", used().value("97", "-", true), "-"},
		{"last IMEI", used().value("84", "-", true), "35209900176148"},
		{"last answer", used().value("91", "-", true), "0000"},
		{"last answer after action 05", cleared.value("91", "-", true), "-"},
		{"no bound terminal", used().value("83", "-", true), "-"},
		{"expected generation", hexOf(used().template("E0078001008A020001")), "E0078001008A020005"},
		{"denial value", hexOf(used().template("E00E8001018409" + scenarioIMSI)), "E00E8001018409" + cardIMSI},
		{"malformed on purpose", hexOf(used().template("E00380")), "E00380"},
		{"log goes on", used().log("E40C800A01490154203237510001"), "E418800A01490154203237510103800A03352099001761480102"},
		{"log does not repeat", used().log("E40C800A03352099001761480001"), "E40C800A03352099001761480102"},
		{"log after action 05", cleared.log("E400"), "E400"},
		{"EF_IPS goes on", used().history("ADF1/6FF1", "4B4FFFFF4F4BFFFFFFFFFFFF"), "4B4FFFFF4F4BFFFFFFFFFFFF"},
		{"EF_IPS, another first", used().history("ADF1/6FF1", "4B4FFFFFFFFFFFFFFFFFFFFF"), "4B4FFFFF4F4BFFFFFFFFFFFF"},
		{"no cyclic file", used().history("ADF1/6F7E", "00"), "00"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.name, c.got, c.want)
		}
	}
}
