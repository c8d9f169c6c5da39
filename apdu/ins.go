package apdu

// Instruction bytes (TS 102 221 table 10.5; GPCS table 11-1).
const (
	INSDeactivateFile      = 0x04
	INSTerminalProfile     = 0x10
	INSFetch               = 0x12
	INSTerminalResponse    = 0x14
	INSVerifyPIN           = 0x20
	INSChangePIN           = 0x24
	INSDisablePIN          = 0x26
	INSEnablePIN           = 0x28
	INSUnblockPIN          = 0x2C
	INSIncrease            = 0x32
	INSActivateFile        = 0x44
	INSInitializeUpdate    = 0x50
	INSManageChannel       = 0x70
	INSExternalAuth        = 0x82
	INSGetChallenge        = 0x84
	INSAuthenticate        = 0x88
	INSSearchRecord        = 0xA2
	INSSelect              = 0xA4
	INSTerminalCapability  = 0xAA
	INSReadBinary          = 0xB0
	INSReadRecord          = 0xB2
	INSGetResponse         = 0xC0
	INSEnvelope            = 0xC2
	INSGetData             = 0xCA
	INSUpdateBinary        = 0xD6
	INSPutKey              = 0xD8
	INSUpdateRecord        = 0xDC
	INSStoreData           = 0xE2
	INSDelete              = 0xE4
	INSInstall             = 0xE6
	INSLoad                = 0xE8
	INSSetStatus           = 0xF0
	INSStatus              = 0xF2 // STATUS (TS 102 221) and GET STATUS (GPCS) share it
	INSSuspendUICC         = 0x76
	INSManageSecureChannel = 0x73
)
