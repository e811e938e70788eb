/* Which language short chat messages are written in: what is told to the model and kept must seldom be wrong; unknown is
 * fine. */
#include "language.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *code, *text;
} said[] = {
	{ "en", "add a task to buy groceries" },
	{ "en", "what's on my list?" },
	{ "en", "can you summarise this thread please" },
	{ "en", "thanks!" },
	{ "en", "hello" },
	{ "de", "Was steht auf meiner Liste?" },
	{ "de", "Füge eine Aufgabe hinzu: Milch kaufen" },
	{ "de", "danke dir" },
	{ "de", "Kannst du mir das bitte erklären?" },
	{ "de", "guten Morgen" },
	{ "fr", "ajoute une tâche pour acheter du lait" },
	{ "fr", "merci beaucoup" },
	{ "fr", "qu'est-ce qu'il y a sur ma liste ?" },
	{ "fr", "bonjour, peux-tu résumer ce document" },
	{ "es", "¿qué tengo en mi lista?" },
	{ "es", "añade una tarea: comprar leche" },
	{ "es", "gracias por la ayuda" },
	{ "es", "hola, ¿cómo estás?" },
	{ "it", "cosa c'è nella mia lista?" },
	{ "it", "aggiungi un compito: comprare il latte" },
	{ "pt", "adicione uma tarefa para comprar leite" },
	{ "pt", "o que tenho na minha lista?" },
	{ "nl", "wat staat er op mijn lijst?" },
	{ "nl", "voeg een taak toe om melk te kopen" },
	{ "pl", "dodaj zadanie: kupić mleko" },
	{ "pl", "co mam na liście?" },
	{ "ru", "добавь задачу купить молоко" },
	{ "ru", "что у меня в списке?" },
	{ "uk", "додай завдання купити молоко" },
	{ "ja", "リストには何がありますか" },
	{ "ja", "牛乳を買うタスクを追加して" },
	{ "zh", "添加一个买牛奶的任务" },
	{ "zh", "我的清单上有什么？" },
	{ "ko", "내 목록에 뭐가 있어?" },
	{ "tr", "listemde ne var?" },
	{ "tr", "süt almak için bir görev ekle" },
	{ "sv", "vad har jag på min lista?" },
	{ "ar", "أضف مهمة لشراء الحليب" },
	{ "el", "πρόσθεσε μια εργασία να αγοράσω γάλα" },
	{ "cs", "přidej úkol koupit mléko" },
	{ "en", "where did you put the file I sent yesterday?" },
	{ "en", "not now" },
	{ "de", "ja" },
	{ "de", "Schreib mir eine Zusammenfassung als Liste" },
	{ "fr", "d'accord" },
	{ "es", "resume este hilo en tres puntos" },
	{ "it", "riassumi questo documento per favore" },
	{ "pt", "obrigado pela ajuda" },
	{ "nl", "bedankt voor je hulp" },
	{ "pl", "dziękuję za pomoc" },
	{ "fi", "mitä listallani on?" },
	{ "fi", "lisää tehtävä ostaa maitoa" },
	{ "da", "hvad står der på min liste?" },
	{ "no", "legg til en oppgave om å kjøpe melk" },
	{ "hu", "mi van a listámon?" },
	{ "ro", "ce am pe lista mea?" },
	{ "vi", "thêm việc mua sữa" },
	{ "id", "tambahkan tugas membeli susu" },
	{ "he", "מה יש ברשימה שלי?" },
	{ "hi", "मेरी सूची में क्या है?" },
	{ "en", "I will be ten minutes late" },
	{ "en", "please remind me tomorrow morning" },
	{ "en", "sounds good to me" },
	{ "de", "Ich komme heute etwas später" },
	{ "de", "erinnere mich morgen früh bitte daran" },
	{ "de", "klingt gut" },
	{ "fr", "je serai un peu en retard" },
	{ "fr", "rappelle-moi demain matin s'il te plaît" },
	{ "es", "llego diez minutos tarde" },
	{ "es", "recuérdamelo mañana por la mañana" },
	{ "it", "arrivo con un po' di ritardo" },
	{ "it", "ricordamelo domani mattina" },
	{ "it", "va bene, grazie" },
	{ "pt", "vou chegar um pouco atrasado" },
	{ "pt", "lembra-me disso amanhã de manhã" },
	{ "nl", "ik ben iets later vandaag" },
	{ "nl", "herinner me er morgenochtend aan" },
	{ "pl", "spóźnię się dziesięć minut" },
	{ "pl", "przypomnij mi jutro rano" },
	{ "ru", "я немного опоздаю" },
	{ "ru", "напомни мне завтра утром" },
	{ "uk", "що в моєму списку?" },
	{ "uk", "нагадай мені завтра вранці" },
	{ "ja", "明日の朝に思い出させてください" },
	{ "zh", "请明天早上提醒我" },
	{ "ko", "내일 아침에 알려 줘" },
	{ "tr", "yarın sabah bana hatırlat" },
	{ "tr", "biraz geç kalacağım" },
	{ "sv", "påminn mig i morgon bitti" },
	{ "sv", "jag blir lite sen" },
	{ "ar", "ماذا يوجد في قائمتي؟" },
	{ "ar", "ذكرني صباح الغد" },
	{ "el", "τι έχω στη λίστα μου;" },
	{ "el", "θύμισέ μου αύριο το πρωί" },
	{ "cs", "co mám na seznamu?" },
	{ "cs", "připomeň mi to zítra ráno" },
	{ "fi", "muistuta minua huomenna aamulla" },
	{ "da", "mind mig om det i morgen tidlig" },
	{ "no", "minn meg på det i morgen tidlig" },
	{ "hu", "emlékeztess holnap reggel" },
	{ "ro", "amintește-mi mâine dimineață" },
	{ "vi", "sáng mai nhắc tôi nhé" },
	{ "id", "ingatkan saya besok pagi" },
	{ "he", "תזכיר לי מחר בבוקר" },
	{ "hi", "मुझे कल सुबह याद दिलाना" },
	{ "th", "เตือนฉันพรุ่งนี้เช้า" },
	{ "bg", "какво има в списъка ми?" },
	{ "fa", "فردا صبح به من یادآوری کن" },
	{ "ca", "què tinc a la meva llista?" },
	{ "sk", "čo mám na zozname?" },
	{ "hr", "što je na mom popisu?" },
	{ "lt", "kas yra mano sąraše?" },
	{ "lv", "kas ir manā sarakstā?" },
	{ "et", "mis mu nimekirjas on?" },
	{ "ka", "რა არის ჩემს სიაში?" },
	{ "hy", "ի՞նչ կա իմ ցուցակում" },
	{ "bn", "আমার তালিকায় কী আছে?" },
	{ "ta", "என் பட்டியலில் என்ன இருக்கிறது?" },
};

static void test_short_messages(void **state)
{
	size_t right = 0, wrong = 0, count = sizeof(said) / sizeof(*said);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		const char *got = language_of(said[i].text, strlen(said[i].text));

		if (got && strcmp(got, said[i].code) == 0) {
			right++;
		} else if (got) {
			print_message("%s, not %s: %s\n", said[i].code, got, said[i].text);
			wrong++;
		}
	}
	print_message("%zu messages: %zu right, %zu wrong, %zu not told\n", count, right, wrong,
		      count - right - wrong);
	assert_true(right * 100 >= count * 80);
	assert_true(wrong * 100 <= count * 5);
}

static void test_what_is_no_language(void **state)
{
	static const char *const texts[] = {
		"", "   ", "12345 67890", ":-)", "https://example.org/a/b?c=d", "{}[]();"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_null(language_of(texts[i], strlen(texts[i])));
}

/* A long text is cut between characters, not within one. */
static void test_long_texts(void **state)
{
	static const char words[] =
		"\xd0\x9a\xd0\xb0\xd0\xba \xd0\xb4\xd0\xbe\xd0\xb1\xd0\xb0\xd0\xb2\xd0\xb8\xd1\x82\xd1\x8c "
		"\xd0\xb7\xd0\xb0\xd0\xb4\xd0\xb0\xd1\x87\xd1\x83 \xd0\xb2 "
		"\xd1\x81\xd0\xbf\xd0\xb8\xd1\x81\xd0\xbe\xd0\xba? ";
	static char text[100000];

	(void)state;
	strcpy(text, words);
	for (size_t i = strlen(text); i + 3 < sizeof(text); i += 2)
		memcpy(text + i, "\xd0\xb0", 3); /* a letter of two bytes: the limit falls into one */
	assert_string_equal(language_of(text, strlen(text)), "ru");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_messages),
		cmocka_unit_test(test_what_is_no_language),
		cmocka_unit_test(test_long_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
