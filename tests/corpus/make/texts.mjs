// Texts written for these tests: title, paragraphs, charsets besides UTF-8 in which people still send such texts.
export const TEXTS = {
	en: ['Minutes of the meeting', ['The board met on Tuesday at nine. Present were Ada Winter, Tom Field and Grace Lake; Peter Hill had sent his apologies.', 'We agreed to order the new ovens before the end of March. Tom asks three suppliers for an offer and tells the others what they cost, delivery included.'], ['windows-1252']],
	de: ['Rechnung für Backwaren', ['Sehr geehrte Frau Müller, für die Lieferung vom 3. März berechnen wir Ihnen vierzig Körbe Brötchen und zwölf große Brote.', 'Bitte überweisen Sie den Betrag innerhalb von vierzehn Tagen. Über Ihren nächsten Auftrag freuen wir uns; schöne Grüße aus Köln.'], ['windows-1252', 'iso-8859-15']],
	fr: ['Compte rendu de réunion', ['La réunion a commencé à neuf heures. Étaient présents Élodie Garçon, François Lefèvre et Chloé Noël.', 'Nous avons décidé de commander les nouvelles chaises avant l’été. Hélène vérifiera où elles coûtent le moins cher, livraison comprise.'], ['windows-1252']],
	es: ['Lista de precios de otoño', ['Estimados clientes: les enviamos los precios que serán válidos desde el primero de octubre hasta fin de año.', 'El café de montaña sube un poco; el azúcar y la piña quedan igual. ¿Tienen preguntas? Llámennos mañana por la mañana.'], ['iso-8859-1']],
	pt: ['Currículo de João Conceição', ['Sou padeiro há quinze anos e trabalhei em três cidades. Gosto de ensinar e já formei oito aprendizes.', 'Procuro uma posição com responsabilidade, de preferência à noite. Falo português, espanhol e um pouco de inglês.'], ['windows-1252']],
	it: ['Ordine di materiale', ['Buongiorno, vorremmo ordinare venti sacchi di farina e cinque casse di olio come l’anno scorso.', 'La consegna è possibile ogni mattina, però non il lunedì. Potrebbe confermarci il prezzo più basso? Grazie e a presto.'], ['windows-1252']],
	nl: ['Verslag van de vergadering', ['De vergadering begon om tien uur. Aanwezig waren Joost de Vries, Anneke Smit en Coöperatie De Molen.', 'Wij hebben besloten om de prijzen dit jaar niet te verhogen. Volgende week praten we over de nieuwe bestelwagen en de chauffeur.'], ['iso-8859-1']],
	sv: ['Faktura för städning', ['Hej! Här kommer fakturan för städningen av era kontor i Malmö och Örebro under september månad.', 'Betala gärna inom trettio dagar. Är något fel så hör av er; vi rättar det så fort vi kan. Hälsningar från Åsa.'], ['iso-8859-1']],
	da: ['Tilbud på nye døre', ['Kære fru Sørensen, tak for Deres forespørgsel. Vi kan levere seks døre af egetræ inden påske.', 'Prisen gælder i fire uger. Målene på værelserne bør kontrolleres, før vi går i gang med arbejdet på Ærø.'], ['iso-8859-1']],
	fi: ['Kokouksen pöytäkirja', ['Kokous alkoi kello yhdeksän. Läsnä olivat Väinö Mäkinen, Päivi Hämäläinen ja Jyrki Öhman.', 'Päätimme ostaa uuden uunin ennen kesää. Päivi kysyy hintaa kolmelta myyjältä ja kertoo siitä seuraavassa kokouksessa.'], ['iso-8859-15']],
	pl: ['Zamówienie na części', ['Dzień dobry, prosimy o przesłanie dziesięciu śrub, trzech łożysk i jednej pompy według załączonej listy.', 'Płatność nastąpi w ciągu czternastu dni. Proszę też o potwierdzenie, że część zamówienia może przyjść później. Z poważaniem Łukasz Żak.'], ['iso-8859-2', 'windows-1250']],
	cs: ['Ceník pro příští rok', ['Vážení zákazníci, posíláme vám ceník, který začne platit prvního ledna příštího roku ve všech prodejnách.', 'Žluté barvy budou levnější, červené zůstanou stejné. Děkujeme, že u nás nakupujete, a přejeme hezké svátky. Váš Jiří Dvořák.'], ['windows-1250']],
	hu: ['Jegyzőkönyv', ['Az ülés reggel kilenckor kezdődött. Jelen volt Szőke Ágnes, Kőműves Gyula és Tóth Őzike.', 'Úgy döntöttünk, hogy a régi gépeket eladjuk, és tavasszal újakat veszünk. A költségekről a következő ülésen beszélünk.'], ['iso-8859-2']],
	ro: ['Factură pentru reparații', ['Bună ziua, vă trimitem factura pentru repararea acoperișului și a ferestrelor din strada Mării.', 'Vă rugăm să plătiți în termen de treizeci de zile. Dacă aveți întrebări, sunați-ne dimineața; mulțumim și o zi bună.'], []],
	tr: ['Toplantı tutanağı', ['Toplantı saat onda başladı. Ayşe Güneş, İbrahim Şahin ve Çiğdem Yıldız katıldı.', 'Yeni makinelerin gelecek ay alınmasına karar verildi. Fiyatları İbrahim öğrenecek ve herkese yazılı olarak bildirecek.'], ['windows-1254']],
	ru: ['Счёт за доставку', ['Уважаемая госпожа Орлова, за доставку мебели в сентябре просим вас оплатить двенадцать тысяч рублей.', 'Оплатить можно в течение десяти дней. Если что-нибудь пришло повреждённым, напишите нам, и мы заменим это бесплатно.'], ['windows-1251', 'koi8-r']],
	uk: ['Протокол зборів', ['Збори почалися о дев’ятій годині. Були присутні Олена Їжакевич, Петро Гай та Ганна Єрмоленко.', 'Вирішили купити нові двері до кінця березня. Петро дізнається, скільки вони коштують, і розповість усім на наступних зборах.'], ['windows-1251']],
	bg: ['Поръчка за мебели', ['Добър ден, искаме да поръчаме осем маси и тридесет стола за новата зала на училището.', 'Моля, изпратете ни цените до петък. Доставката може да стане всяка сутрин, но не и през почивните дни. Благодарим ви предварително.'], ['windows-1251']],
	el: ['Τιμολόγιο για λάδι', ['Αγαπητέ κύριε Παπαδόπουλε, σας στέλνουμε τον λογαριασμό για τα είκοσι δοχεία λάδι του Μαρτίου.', 'Παρακαλούμε να πληρώσετε μέσα σε δύο εβδομάδες. Αν έχετε ερωτήσεις, τηλεφωνήστε μας κάθε πρωί εκτός από τη Δευτέρα.'], ['iso-8859-7', 'windows-1253']],
	he: ['פרוטוקול הישיבה', ['הישיבה התחילה בשעה תשע בבוקר. השתתפו דנה לוי, יוסי כהן ורות מזרחי.', 'הוחלט לקנות תנור חדש לפני החג. יוסי יבדוק כמה זה עולה ויספר לכולם בישיבה הבאה.'], ['windows-1255']],
	ar: ['فاتورة توصيل', ['السيدة ليلى المحترمة، نرسل إليكم فاتورة توصيل الأثاث في شهر مارس إلى مكتبكم الجديد.', 'نرجو الدفع خلال أسبوعين من تاريخ الفاتورة. إذا كان هناك أي سؤال فاتصلوا بنا صباحا وشكرا لكم.'], ['windows-1256']],
	hi: ['बैठक का विवरण', ['बैठक सुबह नौ बजे शुरू हुई। मीना शर्मा, राज पटेल और अनिल वर्मा उपस्थित थे।', 'हमने तय किया कि नई मशीन मार्च से पहले खरीदी जाएगी। राज तीन दुकानों से दाम पूछेंगे और सबको बताएंगे।'], []],
	th: ['รายงานการประชุม', ['การประชุมเริ่มเวลาเก้าโมงเช้า ผู้เข้าร่วมคือสมชายและมาลี', 'เราตกลงซื้อเตาอบใหม่ก่อนสิ้นเดือนมีนาคม สมชายจะถามราคาจากร้านค้าสามแห่ง'], ['tis-620']],
	ja: ['会議の議事録', ['会議は火曜日の午前九時に始まりました。出席者は田中さん、鈴木さん、佐藤さんの三人です。', '新しいオーブンを三月末までに注文することに決めました。田中さんが三つの店に値段を聞き、みんなに知らせます。'], ['shift_jis', 'euc-jp', 'iso-2022-jp']],
	zh: ['会议记录', ['会议于星期二上午九点开始。出席的有李明、王芳和张伟。', '我们决定在三月底之前订购新的烤箱。李明负责向三家商店询问价格，并把结果告诉大家。'], ['gb18030']],
	'zh-tw': ['會議紀錄', ['會議於星期二上午九點開始。出席者有陳小姐、林先生和黃先生。', '我們決定在三月底以前訂購新的烤箱。林先生負責向三家商店詢問價格，並且告訴大家。'], ['big5']],
	ko: ['회의록', ['회의는 화요일 오전 아홉 시에 시작되었습니다. 김영희, 박철수, 이민호가 참석했습니다.', '새 오븐을 삼월 말까지 주문하기로 결정했습니다. 박철수가 세 가게에 가격을 물어보고 모두에게 알려 줄 것입니다.'], ['euc-kr']],
	vi: ['Biên bản cuộc họp', ['Cuộc họp bắt đầu lúc chín giờ sáng. Có mặt chị Nguyễn Thị Hạnh, anh Trần Văn Đức và cô Phạm Thu.', 'Chúng tôi quyết định mua lò nướng mới trước cuối tháng ba. Anh Đức sẽ hỏi giá ở ba cửa hàng và báo lại cho mọi người.'], []],
}

const PEOPLE = ['Ada Winter', 'Jürgen Groß', 'Élodie Garçon', 'Łukasz Żak', 'Jiří Dvořák', 'Ayşe Güneş', 'Орлова Анна', 'Παπάς Νίκος', '田中太郎', '김영희', 'Nguyễn Hạnh', "Conor O'Neill"]
const GOODS = ['Rye bread', 'Butter, salted', 'Honey "Clover"', 'Coffee beans', 'Green tea', 'Oven cloth', 'Flour type 550', 'Sugar']
/** Numbers that are the same on every machine. */
export function dice(seed) {
	let state = seed * 2654435761 >>> 0 || 1
	return (below) => {
		state ^= state << 13; state >>>= 0; state ^= state >>> 17; state ^= state << 5; state >>>= 0
		return state % below
	}
}
const day = (n) => new Date(Date.UTC(2026, 0, 1 + n)).toISOString().slice(0, 10)
/** Tables of typed values: {name, header, rows}; dates are "YYYY-MM-DD" texts in columns named in dates. */
export const TABLES = {
	orders: (n, seed = 1) => { const d = dice(seed)
		return { name: 'Orders', header: ['Order', 'Customer', 'Article', 'Amount', 'Price', 'Ordered'], dates: [5],
			rows: Array.from({ length: n }, (_, i) => [1001 + i, PEOPLE[d(12)], GOODS[d(8)], 1 + d(40), (100 + d(9000)) / 100, day(d(300))]) } },
	invoices: (n, seed = 2) => { const d = dice(seed)
		return { name: 'Invoices', header: ['Invoice', 'Name', 'Net', 'Tax', 'Due', 'Paid'], dates: [4],
			rows: Array.from({ length: n }, (_, i) => [`R-2026-${String(i + 1).padStart(4, '0')}`, PEOPLE[d(12)], (1000 + d(900000)) / 100, [7, 19, 0][d(3)], day(d(200)), ['yes', 'no'][d(2)]]) } },
	prices: (n, seed = 3) => { const d = dice(seed)
		return { name: 'Prices', header: ['Number', 'Article', 'Unit', 'Price', 'Remark'], dates: [],
			rows: Array.from({ length: n }, (_, i) => [`0${10000 + i * 7}`, `${GOODS[d(8)]} ${i + 1}`, ['kg', 'piece', 'box of 12'][d(3)], (50 + d(5000)) / 100, ['', 'new', 'as long as there is any; ask', 'two\nlines'][d(4)]]) } },
	hours: (n, seed = 4) => { const d = dice(seed)
		return { name: 'Hours', header: ['Person', 'Day', 'Hours', 'Project'], dates: [1],
			rows: Array.from({ length: n }, (_, i) => [PEOPLE[i % 12], day(i), (2 + d(32)) / 4, ['Bakery', 'Café', 'Office'][d(3)]]) } },
}

/** A document in Markdown as a writer of documents gets it. */
export function document(lang, table) {
	const [title, paragraphs] = TEXTS[lang]
	const cell = (value) => String(value).replace(/[|"\n]/g, ' ')
	const lines = [`# ${title}`, '', paragraphs[0], '', `## ${title.split(' ').at(-1)} 2`, '', ...paragraphs.map((p, i) => `${i + 1}. ${p}`), '',
		...paragraphs[1].split(/[.。;]\s*/).filter(Boolean).map((part) => `* ${part}`), '', `**${paragraphs[0]}** ${paragraphs[1]}`, '']
	if (table)
		lines.push(`| ${table.header.join(' | ')} |`, `|${table.header.map(() => '---').join('|')}|`, ...table.rows.map((row) => `| ${row.map(cell).join(' | ')} |`), '')
	return lines.join('\n')
}
