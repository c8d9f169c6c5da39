package subset

import (
	"fmt"
	"slices"
	"strings"
)

// API is every class and member the applet may use: facts of the published export files (javacard.framework 1.0 to 1.2,
// uicc.toolkit 1.0, uicc.access 1.0) and, for org.globalplatform 1.0, whose tokens only the kit's export file has, names alone.
//
// A package has its AID; a class or a member its token, and the version of the package that brought it when that
// is not 1.0. Members of an interface are virtual; inherited ones stand with the class that declares them.
const API = `
package java/lang A0000000620001
class Object 0
 static 0 <init>()V
 virtual 0 equals(Ljava/lang/Object;)Z
class Throwable 1
 static 0 <init>()V
class Exception 2
 static 0 <init>()V
class RuntimeException 3
 static 0 <init>()V
class IndexOutOfBoundsException 4
 static 0 <init>()V
class ArrayIndexOutOfBoundsException 5
 static 0 <init>()V
class NegativeArraySizeException 6
 static 0 <init>()V
class NullPointerException 7
 static 0 <init>()V
class ClassCastException 8
 static 0 <init>()V
class ArithmeticException 9
 static 0 <init>()V
class SecurityException 10
 static 0 <init>()V
class ArrayStoreException 11
 static 0 <init>()V

package javacard/framework A0000000620101
class ISO7816 0
class Shareable 2
class Applet 3
 static 0 <init>()V
 static 1 install([BSB)V
 virtual 1 register()V
 virtual 2 register([BSB)V
 virtual 3 selectingApplet()Z
 virtual 4 deselect()V
 virtual 5 getShareableInterfaceObject(Ljavacard/framework/AID;B)Ljavacard/framework/Shareable;
 virtual 6 select()Z
 virtual 7 process(Ljavacard/framework/APDU;)V
class CardRuntimeException 5
 static 0 <init>(S)V
 static 1 throwIt(S)V
 virtual 1 getReason()S
 virtual 2 setReason(S)V
class AID 6
 static 0 <init>([BSB)V
 virtual 0 equals(Ljava/lang/Object;)Z
 virtual 1 RIDEquals(Ljavacard/framework/AID;)Z
 virtual 2 equals([BSB)Z
 virtual 3 getBytes([BS)B
 virtual 4 partialEquals([BSB)Z
class ISOException 7
 static 0 <init>(S)V
 static 1 throwIt(S)V
class JCSystem 8
 static 0 abortTransaction()V
 static 1 beginTransaction()V
 static 2 commitTransaction()V
 static 3 getAID()Ljavacard/framework/AID;
 static 5 getMaxCommitCapacity()S
 static 6 getPreviousContextAID()Ljavacard/framework/AID;
 static 7 getTransactionDepth()B
 static 8 getUnusedCommitCapacity()S
 static 9 getVersion()S
 static 10 isTransient(Ljava/lang/Object;)B
 static 12 makeTransientBooleanArray(SB)[Z
 static 13 makeTransientByteArray(SB)[B
 static 14 makeTransientObjectArray(SB)[Ljava/lang/Object;
 static 15 makeTransientShortArray(SB)[S
 static 19 getAssignedChannel()B 1.2
class APDU 10
 static 0 getInBlockSize()S
 static 1 getOutBlockSize()S
 static 2 getProtocol()B
 static 6 getCLAChannel()B 1.2
 virtual 1 getBuffer()[B
 virtual 3 receiveBytes(S)S
 virtual 4 sendBytes(SS)V
 virtual 5 sendBytesLong([BSS)V
 virtual 6 setIncomingAndReceive()S
 virtual 7 setOutgoing()S
 virtual 8 setOutgoingAndSend(SS)V
 virtual 9 setOutgoingLength(S)V
class APDUException 12
 static 0 <init>(S)V
 static 1 throwIt(S)V
class SystemException 13
 static 0 <init>(S)V
 static 1 throwIt(S)V
class TransactionException 14
 static 0 <init>(S)V
 static 1 throwIt(S)V
class Util 16
 static 0 arrayCompare([BS[BSS)B
 static 1 arrayCopy([BS[BSS)S
 static 2 arrayCopyNonAtomic([BS[BSS)S
 static 3 arrayFillNonAtomic([BSSB)S
 static 4 getShort([BS)S
 static 5 makeShort(BB)S
 static 6 setShort([BSS)S
class MultiSelectable 17 1.2
 virtual 0 select(Z)Z 1.2
 virtual 1 deselect(Z)V 1.2
class AppletEvent 18 1.2
 virtual 0 uninstall()V 1.2

package uicc/access A0000000090005FFFFFFFF8911000000
class FileView 0
 virtual 0 select(S[BSS)S
 virtual 1 select(S)V
 virtual 2 select(B)V
 virtual 3 status([BSS)S
 virtual 4 readBinary(S[BSS)S
 virtual 5 updateBinary(S[BSS)V
 virtual 6 readRecord(SBS[BSS)S
 virtual 7 updateRecord(SBS[BSS)V
 virtual 8 searchRecord(BSS[BSS[SSS)S
 virtual 9 increase([BSS[BS)S
 virtual 10 deactivateFile()V
 virtual 11 activateFile()V
class UICCConstants 1
class UICCException 2
 static 0 <init>(S)V
 static 1 throwIt(S)V
class UICCSystem 3
 static 0 getTheUICCView(B)Luicc/access/FileView;
 static 1 getTheFileView(Ljavacard/framework/AID;B)Luicc/access/FileView;
 static 2 getTheFileView([BSBB)Luicc/access/FileView;

package uicc/toolkit A0000000090005FFFFFFFF8912000000
class ViewHandler 0
 virtual 0 getLength()S
 virtual 1 copy([BSS)S
 virtual 2 findTLV(BB)B
 virtual 3 getValueLength()S
 virtual 4 getValueByte(S)B
 virtual 5 getValueShort(S)S
 virtual 6 copyValue(S[BSS)S
 virtual 7 compareValue(S[BSS)B
 virtual 8 findAndCopyValue(B[BS)S
 virtual 9 findAndCopyValue(BBS[BSS)S
 virtual 10 findAndCompareValue(B[BS)B
 virtual 11 findAndCompareValue(BBS[BSS)B
 virtual 12 getCapacity()S
class EditHandler 2
 virtual 13 clear()V
 virtual 14 appendArray([BSS)V
 virtual 15 appendTLV(B[BSS)V
 virtual 16 appendTLV(BB)V
 virtual 17 appendTLV(BS)V
 virtual 18 appendTLV(BBB)V
 virtual 19 appendTLV(BBS)V
 virtual 20 appendTLV(BSS)V
 virtual 21 appendTLV(BB[BSS)V
 virtual 22 appendTLV(B[BSS[BSS)V
class ProactiveHandler 5
 virtual 23 init(BBB)V
 virtual 24 send()B
 virtual 25 initDisplayText(BB[BSS)V
 virtual 26 initGetInkey(BB[BSS)V
 virtual 27 initGetInput(BB[BSSSS)V
 virtual 28 initCloseChannel(B)V
 virtual 29 initMoreTime()V
class ProactiveResponseHandler 6
 virtual 13 getGeneralResult()B
 virtual 14 getAdditionalInformationLength()S
 virtual 15 copyAdditionalInformation([BSS)S
 virtual 16 getItemIdentifier()B
 virtual 17 getTextStringLength()S
 virtual 18 getTextStringCodingScheme()B
 virtual 19 copyTextString([BS)S
 virtual 20 getChannelIdentifier()B
 virtual 21 getChannelStatus(B)S
 virtual 22 copyChannelData([BSS)S
class ToolkitConstants 7
class ToolkitInterface 8
 virtual 0 processToolkit(S)V
class ToolkitRegistry 9
 virtual 0 setEvent(S)V
 virtual 1 setEventList([SSS)V
 virtual 2 clearEvent(S)V
 virtual 3 isEventSet(S)Z
 virtual 4 disableMenuEntry(B)V
 virtual 5 enableMenuEntry(B)V
 virtual 6 initMenuEntry([BSSBZBS)B
 virtual 7 changeMenuEntry(B[BSSBZBS)V
 virtual 8 allocateTimer()B
 virtual 9 releaseTimer(B)V
 virtual 10 requestPollInterval(S)V
 virtual 11 getPollInterval()S
 virtual 12 allocateServiceIdentifier()B
 virtual 13 releaseServiceIdentifier(B)V
 virtual 14 registerFileEvent(S[BSS[BSB)V
 virtual 15 deregisterFileEvent(S[BSS[BSB)V
 virtual 16 registerFileEvent(SLuicc/access/FileView;)V
 virtual 17 deregisterFileEvent(SLuicc/access/FileView;)V
 virtual 18 setMenuEntryTextAttribute(B[BSS)V
class ToolkitException 13
 static 0 <init>(S)V
 static 1 throwIt(S)V
class ProactiveHandlerSystem 14
 static 0 getTheHandler()Luicc/toolkit/ProactiveHandler;
class ToolkitRegistrySystem 16
 static 0 getEntry()Luicc/toolkit/ToolkitRegistry;
class ProactiveResponseHandlerSystem 17
 static 0 getTheHandler()Luicc/toolkit/ProactiveResponseHandler;

package org/globalplatform A00000015100
class Application -
 virtual - processData([BSS)V
class SecureChannel -
 virtual - processSecurity(Ljavacard/framework/APDU;)S
 virtual - wrap([BSS)S
 virtual - unwrap([BSS)S
 virtual - decryptData([BSS)S
 virtual - encryptData([BSS)S
 virtual - resetSecurity()V
 virtual - getSecurityLevel()B
class GPSystem -
 static - getSecureChannel()Lorg/globalplatform/SecureChannel;
 static - getCardContentState()B
 static - getCardState()B
`

// parents are the superclasses and superinterfaces through which an API member is inherited.
var parents = map[string][]string{
	"javacard/framework/Applet":               {"java/lang/Object"},
	"javacard/framework/CardRuntimeException": {"java/lang/RuntimeException"},
	"javacard/framework/ISOException":         {"javacard/framework/CardRuntimeException"},
	"javacard/framework/APDUException":        {"javacard/framework/CardRuntimeException"},
	"javacard/framework/SystemException":      {"javacard/framework/CardRuntimeException"},
	"javacard/framework/TransactionException": {"javacard/framework/CardRuntimeException"},
	"uicc/access/UICCException":               {"javacard/framework/CardRuntimeException"},
	"uicc/toolkit/ToolkitException":           {"javacard/framework/CardRuntimeException"},
	"uicc/access/FileView":                    {"javacard/framework/Shareable"},
	"uicc/toolkit/ToolkitInterface":           {"javacard/framework/Shareable"},
	"org/globalplatform/Application":          {"javacard/framework/Shareable"},
	"org/globalplatform/SecureChannel":        {"javacard/framework/Shareable"},
	"uicc/toolkit/EditHandler":                {"uicc/toolkit/ViewHandler"},
	"uicc/toolkit/ProactiveHandler":           {"uicc/toolkit/EditHandler"},
	"uicc/toolkit/ProactiveResponseHandler":   {"uicc/toolkit/ViewHandler"},
}

// apiClass is one class of the table: its members, each with the version that brought it.
type apiClass struct {
	pkg, since string
	members    map[string]string
	virtual    []string // in the order of their tokens, without the inherited ones
}

// api is API by class, in internal form.
var api = parseAPI(API)

// packages are the packages of API with their AIDs, in its order.
var packages [][2]string

func parseAPI(table string) map[string]*apiClass {
	out := map[string]*apiClass{}
	var pkg string
	var class *apiClass
	for n, line := range strings.Split(table, "\n") {
		f := strings.Fields(line)
		switch {
		case len(f) == 0:
		case f[0] == "package" && len(f) == 3:
			pkg = f[1]
			packages = append(packages, [2]string{f[1], f[2]})
		case f[0] == "class" && len(f) >= 3:
			class = &apiClass{pkg: pkg, since: version(f, 3), members: map[string]string{}}
			out[pkg+"/"+f[1]] = class
		case (f[0] == "static" || f[0] == "virtual") && len(f) >= 3:
			class.members[f[2]] = version(f, 3)
			if f[0] == "virtual" {
				class.virtual = append(class.virtual, f[2])
			}
		default:
			panic(fmt.Sprintf("API, line %d: %q", n, line))
		}
	}
	return out
}

func version(fields []string, at int) string {
	if at < len(fields) {
		return fields[at]
	}
	return "1.0"
}

// lookUp finds a member of an API class, its own or inherited, and the version of the package that brought it.
func lookUp(class, member string) (since string, ok bool) {
	c := api[class]
	if c == nil {
		return "", false
	}
	if v, ok := c.members[member]; ok {
		return v, true
	}
	if strings.HasPrefix(member, "<init>") {
		return "", false
	}
	for _, p := range parents[class] {
		if v, ok := lookUp(p, member); ok {
			return v, true
		}
	}
	if class != "java/lang/Object" && !slices.Contains(parents[class], "java/lang/Object") {
		return lookUp("java/lang/Object", member)
	}
	return "", false
}
