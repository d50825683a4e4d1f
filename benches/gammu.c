/* The work of codec.rs done by libgammu: one line "task nanoseconds" each. Built and run by the bench when libgammu-dev is here. */
#include <gammu.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 100
static int iterations;

static double now(void) {
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * 1e9 + at.tv_nsec;
}

/* The best of many short rounds. */
static void measure(const char *task, void (*work)(void)) {
	double best = 1e18;
	for (int round = 0; round < ROUNDS; round++) {
		double start = now();
		for (int i = 0; i < iterations; i++)
			work();
		double each = (now() - start) / iterations;
		best = each < best ? each : best;
	}
	printf("%s %.0f\n", task, best);
}

static GSM_SMSMessage message;
static char text[4096];
static size_t text_length;
static unsigned char buffer[1024], octets[256];
static size_t octets_length;

static void fill(const char *piece, size_t times) {
	text[0] = 0;
	for (size_t i = 0; i < times; i++)
		strcat(text, piece);
	text_length = strlen(text);
}

static void prepare(GSM_Coding_Type coding) {
	GSM_SetDefaultSMSData(&message);
	message.PDU = SMS_Submit;
	message.Coding = coding;
	message.Class = -1;
	message.SMSC.Validity.Format = SMS_Validity_RelativeFormat;
	message.SMSC.Validity.Relative = SMS_VALID_3_Days;
	EncodeUnicode(message.Number, "+353871234567", 13);
}

static void encode(void) {
	int length = 0;
	DecodeUTF8(message.Text, text, text_length);
	message.Length = (int)UnicodeLength(message.Text);
	if (GSM_EncodeSMSFrame(NULL, &message, buffer, PHONE_SMSSubmit, &length, TRUE) != ERR_NONE)
		abort();
}

static void encode_octets(void) {
	int length = 0;
	memcpy(message.Text, text, 140);
	message.Length = 140;
	if (GSM_EncodeSMSFrame(NULL, &message, buffer, PHONE_SMSSubmit, &length, TRUE) != ERR_NONE)
		abort();
}

static void decode(void) {
	static GSM_SMSMessage read;
	size_t end = 0;
	if (GSM_DecodePDUFrame(NULL, &read, octets, octets_length, &end, FALSE) != ERR_NONE)
		abort();
	/* Text as it came in: UTF-8. */
	if (read.Coding != SMS_Coding_8bit)
		EncodeUTF8(text, read.Text);
}

static void load(const char *hex) {
	octets_length = strlen(hex) / 2;
	for (size_t i = 0; i < octets_length; i++)
		sscanf(hex + 2 * i, "%2hhx", &octets[i]);
}

static GSM_MultiPartSMSInfo info;
static unsigned char wide[8192];

static void segment(void) {
	static GSM_MultiSMSMessage parts;
	GSM_ClearMultiPartSMSInfo(&info);
	DecodeUTF8(wide, text, text_length);
	info.Class = -1;
	info.EntriesNum = 1;
	info.Entries[0].ID = SMS_ConcatenatedTextLong;
	info.Entries[0].Buffer = wide;
	info.UnicodeCoding = text[0] & 0x80 ? TRUE : FALSE;
	if (GSM_EncodeMultiPartSMS(NULL, &info, &parts) != ERR_NONE || parts.Number < 2)
		abort();
}

/* Arguments: iterations, then the DELIVERs of codec.rs in hexadecimal: GSM-7, UCS-2, 8-bit. */
int main(int count, char **arguments) {
	if (count != 5)
		return 2;
	iterations = atoi(arguments[1]);
	fill("0123456789abcdef", 10);
	prepare(SMS_Coding_Default_No_Compression);
	measure("encode-gsm7", encode);
	load(arguments[2]);
	measure("decode-gsm7", decode);
	fill("0123456789abcdefghij", 50);
	measure("segment-gsm7", segment);
	fill("\xd0\xb6", 70);
	prepare(SMS_Coding_Unicode_No_Compression);
	measure("encode-ucs2", encode);
	load(arguments[3]);
	measure("decode-ucs2", decode);
	fill("\xd0\xb6", 1000);
	measure("segment-ucs2", segment);
	fill("x", 140);
	prepare(SMS_Coding_8bit);
	measure("encode-8bit", encode_octets);
	load(arguments[4]);
	measure("decode-8bit", decode);
	return 0;
}
