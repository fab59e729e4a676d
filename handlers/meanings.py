"""What people write about without a keyword, and the words that tell it, in five languages at once. The first meaning
that fits is what a text is about, so the order counts: a payment that brought no code is no wish to see old ones.

A line is one way to say it; how it is read is said in bot/talks/meanings.py. Talks name the kinds that they answer.
What means nothing here is offered as a problem to report, so faults are only those that have words of other kinds in
them.
"""

from bot.talks.meanings import Meaning

NO_EN = "not|no|never|dont|doesnt|didnt|isnt|wont|cant|cannot|havent|hasnt|arent|wasnt|without|nothing"
NO_FR = "pas|plus|rien|jamais|aucun|aucune|sans"
NO_PT = "nao|nunca|nada|sem|nem"
NO_HA = "ba|babu|bata|baya|bai|bani|basu|bamu|kasa|ki"
ASK_EN = "want|wants|need|needs|give|gimme|wanna|like|send|get"
ASK_SW = "nataka|tunataka|ninataka|naomba|tunaomba|nahitaji|ninahitaji|nipe|nipeni|nitumie|nipatie|ningependa"
ASK_FR = "veux|voudrais|besoin|donnez|donne|faut|aimerais|cherche|envoyez"
ASK_PT = "quero|preciso|queria|desejo|gostaria|manda|mande|da|de"
ASK_HA = "ina|muna|bani|ban|nake|bukatar|bukata|so|aiko|aika|aikomin"
POWER = (
    "power|electricity|electric|light|lights|current|energy|units|days|umeme|luku|nguvu|siku|courant|electricite|"
    "energie|lumiere|jours|energia|luz|corrente|eletricidade|credelec|dias|wuta|lantarki|nepa|kwanaki"
)
CODE = (
    "code|codes|token|tokens|tokin|digits|tokeni|tokeniyangu|msimbo|jeton|jetons|codigo|codigos|lamba|lambar|lambata|"
    "lambobi"
)
SMS = "sms|message|msg|meseji|ujumbe|mensagem|sako"

MEANINGS = (
    Meaning(
        "number",  # the phone number that codes go to
        {
            "en": "change|changed|changing|update|replace|new|another|other|switch number|phone|sim|line\n"
            "lost|stolen phone|sim|simcard",
            "sw": "badili*|kubadili*|nimebadili*|mpya|nyingine namba|simu|laini|nambari\n"
            "nimepoteza|imepotea|imeibiwa|nimeibiwa simu|laini",
            "fr": "change|changer|changez|modifier|nouveau|autre|remplacer numero|telephone|tel|puce|sim\n"
            "perdu|vole telephone|tel|puce|sim",
            "pt": "mudar|mudei|trocar|troquei|alterar|novo|outro numero|telemovel|telefone|chip|sim\n"
            "perdi|roubaram telemovel|telefone|chip|sim",
            "ha": "canza|canja|sauya|sabuwa|sabuwar|sabon|wata lamba|lambar|lambata|waya|wayar|layi|sim\n"
            "bata|rasa|sace waya|wayar|wayata|layi|sim",
        },
    ),
    Meaning(
        "balance",  # before what was paid: how much have I paid
        {
            "en": "how much|many|long paid|left|owe|owing|remain|remains|remaining|debt|balance|last\n"
            "when|how|what days|it|date|time|power|light end|ends|finish|finishes|expire|expires|expiry",
            "sw": "kiasi|ngapi|gani|lini nimelipa|zimebaki|limebaki|imebaki|nimebakiza|deni|nadaiwa|zitaisha|itaisha",
            "fr": "combien paye|reste|restent|dois|doit|dette|solde",
            "pt": "quanto|quantos|quantas paguei|falta|faltam|devo|resta|restam|divida|saldo",
            "ha": "nawa rage|saura|bashi*|ragowa|biya",
        },
    ),
    Meaning(
        "void",  # an agent's sale that was a mistake; before what is at fault
        {
            "en": "undo|reverse|reversal|void|cancel sale|sold|sell|amount|transaction|payment|last\n"
            "wrong|wrongly|mistake|mistaken|error sale|sold|sell|selling|amount|transaction",
            "sw": "futa|kufuta|ghairi|rudisha|kurudisha|tengua|kubatilisha mauzo|muamala|malipo|mwisho\n"
            "nimekosea|nilikosea|tumekosea|kosa|makosa|kimakosa kuuza|mauzo|nimeuza|kiasi|mita",
            "fr": "annuler|annulez|annulation vente|paiement|transaction|montant|derniere\n"
            "erreur|trompe|trompee|mauvais vente|vendu|montant",
            "pt": "anular|anule|cancelar|cancele|desfazer|estornar venda|pagamento|transaccao|transacao|valor|ultima\n"
            "engano|enganei|erro|errado|errada|errei venda|vendi|valor",
            "ha": "soke|mayar|warware sayarwa|ciniki|kudi\nkuskure|kuskuren sayarwa|sayar|ciniki|kudi",
        },
    ),
    Meaning(
        "claim",  # money was paid, and the code did not come
        {
            "en": "paid|payed|deposited|confirmed|refund|receipt|transaction\n"
            f"{NO_EN} receive|received|recieve|recieved|get|got|gotten|come|came|arrive|arrived|seen|sent {CODE}|{SMS}|"
            "it|anything|units|nothing|number|yet\n"
            f"still|yet|waiting|where no|not|waiting|delayed {CODE}|units\n"
            "sent|transferred|made|did money|cash|payment|transfer i|we|have|already\n"
            "took|take|eaten|ate|lost|back|return my money|cash\ndeducted|debited money|cash|amount|account|balance",
            "sw": "nimelipa*|nililipa|tumelipa|tulilipa|alilipa|amelipa|umelipa|nishalipa|nimeshalipa|imelipwa\n"
            "nimetuma|nilituma|umetuma|nimeweka|nimempa|nilimpa|nimetoa|niliweka pesa|hela|fedha|malipo|tsh|sh|tzs\n"
            "nimenunua|nilinunua|tumenunua\nsijapata|sijapokea|sikupata|sikupokea|hatujapata|hamjanitumia|hamjatuma\n"
            f"haijafika|haijaja|haikuja|haikufika|hazijafika|sijaona|iko|ziko {CODE}|luku|umeme|{SMS}\n"
            "imethibitishwa\nmuamala|risiti\nrudish*|nirudish*|mmekula|amekula pesa|hela|fedha|yangu\n"
            "imekatwa|zimekatwa|nimekatwa|mmenikata|mmekata|imeenda|imekwenda|zimeenda pesa|hela|fedha|salio",
            "fr": "ai|jai|avons|deja paye|payee|verse|envoye|achete|regle|depose\n"
            f"{NO_FR} recu|recois|arrive|vient|eu|obtenu\nconfirme|transaction|rembours*\n"
            "debite|debites|debitee|preleve|parti argent|compte|fois",
            "pt": "paguei|pagamos|comprei|transferi|depositei\nenviei|mandei|dei|fiz dinheiro|pagamento|valor\n"
            f"{NO_PT} recebi|recebo|recebemos|chegou|veio|apareceu|mandaram\nconfirmado|transaccao|transacao|recibo\n"
            "descontado|descontaram|debitado|debitaram|tiraram|levaram dinheiro|valor|saldo|conta",
            "ha": "na|mun|an biya\nna|mun tura|bada|aika kudi\nnabiya\nban|bamu|har samu|sami|same|karba\n"
            "cire|tafi kudi|kudina|kudinmu",
        },
    ),
    Meaning(
        "fault",
        {
            "en": f"{NO_EN} work|works|working|worked|charge|charges|charging|charged|on|light|lights|lighting|power|"
            "electricity|current|energy|start|starts|starting|respond|responds|responding|show|shows|showing|move|moves|"
            "moving|run|runs|running|turn|turning|fixed|repaired|accept|accepts|accepted|accepting|enter|entering|"
            "coming|function|functioning|open\n"
            "off|broken|broke|stopped|stops|dead|died|dark|darkness|blackout|outage|burnt|burned|burning|smoke|smoking|"
            "faulty|damaged|spoiled|spoilt|spoil|stuck|blinking|blinks|flickering|flashing|beeping|failed|fails|failing|"
            "fault|faults|problem|problems|issue|issues|complaint|complain|repair|fix|stolen|thief|stole|cheated|"
            "cheating|fraud|sparks|error|err|trouble|wrong|invalid|rejected|reject|rejects|refused|refuses|refuse|"
            "refusing|swollen|frozen\n"
            f"went|gone|goes|go|cut off|out|{POWER}\nlow|weak|unstable voltage",
            "sw": "haiwaki|haziwaki|hauwaki|haliwaki|hawaki|haijawaka|haikuwaka|hazijawaka|hakiwaki|haiwezi\n"
            "haifany*|haufany*|hazifany*|halifany*|hafany*|haijafany*|haikufany*|hakifany*\n"
            "haisom*|haichaj*|haijachaj*|haitembe*|haiend*|haikubal*|haiingi*|haingi*|haionesh*|haionyes*|haijib*|"
            "haiondok*|haipokei|hauji|haurudi|haujarudi|haupo|haiji|haizimi|inakataa|imekataa|umekataa\n"
            "imekat*|imekwama|imekufa|imezim*|zimezim*|umezim*|kimezim*|imeharib*|zimeharib*|umeharib*|kimeharib*|"
            "imeungua|zimeungua|imevunj*|imepasuk*|imeibiwa|imegoma|imesimama|imeshindwa|imekosea|inazim*|unazim*|"
            "inakat*|inagoma|inakwama|umekat*|unakat*|umepotea|umeondoka|shoti|cheche\n"
            "hakuna|hamna|sina|hatuna|bila umeme|taa|mwanga|nguvu|moto\n"
            "hafifu|hautoshi|unapungua|unayumba umeme|nguvu\nmdogo umeme ni|sana\n"
            "haikai|haidumu betri|chaji\nharaka betri inaisha|zinaisha\n"
            "giza|mbovu|ubovu|hitilafu|kasoro|matatizo|malalamiko|mwizi|wizi|ameniibia|ametuibia|tapeli|moshi",
            "fr": "parti|partie|faible|faibles courant|electricite|lumiere|tension|batterie\n"
            f"{NO_FR} marche|marchent|fonctionne|fonctionnent|allume|allument|charge|chargent|demarre|courant|"
            "lumiere|electricite|passe|accepte|entre|repond|roule|avance|bon\n"
            "panne|casse|cassee|coupure|coupe|coupee|brule|brulee|mort|morte|eteint|eteinte|clignote|clignotent|abime|"
            "probleme|problemes|souci|soucis|noir|fumee|voleur|arnaque|refuse|refusee|invalide|errone|erreur|faux|fausse|"
            "bloque|bloquee|arrete|arretee|plainte|gate|gatee|foutu|delestage",
            "pt": "foi|vai embora luz|energia|corrente\n"
            "fraca|fraco|oscila luz|energia|corrente|bateria|tensao\n"
            f"{NO_PT} funciona|funcionam|acende|acendem|carrega|carregam|liga|ligam|trabalha|anda|luz|energia|"
            "corrente|aceita|entra|serve|arranca|responde|temos|tem\n"
            "avaria|avariado|avariada|avariou|estragou|estragado|estragada|partiu|partido|partida|queimou|queimado|"
            "queimada|apagou|apagado|apagada|desligou|desligado|desligada|parou|parado|parada|morreu|pisca|problema|"
            "problemas|defeito|escuro|escuras|corte|fumo|ladrao|roubo|roubado|roubada|invalido|errado|recusado|recusou|"
            "recusa|rejeitado|erro|bloqueado|bloqueada|caiu|reclamacao|queixa|cortaram|cortou",
            "ha": "tafi|rauni wuta|wutar|lantarki\n"
            f"{NO_HA} wuta|lantarki|aiki|haske|caji|kama|kawo|kunna|tafiya|shiga|karba|motsi\n"
            "lalace|lalacewa|mutu|mutuwa|tsaya|karye|fashe|kone|dauke|matsala|duhu|hayaki|barawo|sata|yanke|korafi|"
            "kuskure",
        },
    ),
    Meaning(
        "register",
        {
            "en": "register|registering|registration\nnew|add|sign customer|customers|client",
            "sw": "kusajili|nisajili|nimsajili|usajili|kuandikisha\nmpya|ongeza|kuongeza mteja|wateja",
            "fr": "enregistrer|enregistrement|inscrire|inscription\nnouveau|nouvelle|nouveaux|ajouter client|cliente",
            "pt": "registar|registrar|registo|cadastrar|cadastro|inscrever\nnovo|nova|novos|adicionar cliente|clientes",
            "ha": "rijista|rajista|rijistar\nsabon|sabo|sabuwa|kara kwastoma|abokin",
        },
    ),
    Meaning(
        "pin",
        {
            "en": "change|changing|new|forgot|forgotten|reset|lost pin|password",
            "sw": "badili*|kubadili*|mpya|nimesahau|kusahau pin|siri|nywila",
            "fr": "changer|change|nouveau|oublie|perdu pin",
            "pt": "mudar|trocar|alterar|novo|nova|esqueci pin|senha",
            "ha": "canza|canja|sabon|sabuwar|manta pin|siri",
        },
    ),
    Meaning(
        "sold",  # what an agent sold in a day
        {
            "en": "how much|many sold|sell|sales\ntotal|today|todays|yesterday|daily|my sales|sold|statement|summary",
            "sw": "nimeuza|tumeuza|niliuza|mauzo ngapi|leo|jana|jumla|kiasi",
            "fr": "vendu|ventes combien|total|aujourdhui|hier|jour",
            "pt": "vendi|vendas quanto|quantas|total|hoje|ontem|dia",
            "ha": "sayar|ciniki|cinikin nawa|yau|jiya|jimla",
        },
    ),
    Meaning(
        "held",  # cash and commission of an agent
        {
            "en": "commission\nhow much|many cash|money|float i|my",
            "sw": "kamisheni\nshilingi|pesa|hela|fedha ngapi|kiasi nina|ninayo|ninazo|nashika|mkononi",
            "fr": "commission\ncombien argent|caisse ai|jai|tiens",
            "pt": "comissao\nquanto dinheiro|caixa tenho",
            "ha": "kwamisho",
        },
    ),
    Meaning(
        "work",  # an agent's tickets
        {
            "en": "jobs|tickets|tasks|visits\nmy|open|todays work|job|ticket|problems",
            "sw": "tiketi\nkazi|matatizo zangu|yangu|leo|wazi|yote",
            "fr": "tickets|taches|visites\nmes|ouverts problemes|travaux",
            "pt": "tarefas|visitas\nmeus|abertos problemas|trabalhos|tickets",
            "ha": "tikiti|ayyuka",
        },
    ),
    Meaning(
        "token",  # lost codes want to be seen again
        {
            "en": f"lost|lose|deleted|delete|forgot|forgotten|missing|misplaced|again|resend|see {CODE}|{SMS}",
            "sw": f"nimepoteza|imepotea|nimeipoteza|nimefuta|imefutika|nimesahau|tena {CODE}|luku|{SMS}",
            "fr": f"perdu|perdue|efface|oublie|supprime|encore|renvoyez|renvoie|montrez|revoir {CODE}|{SMS}",
            "pt": f"perdi|apaguei|esqueci|perdido|outra|reenvie|reenviem|mostra|ver {CODE}|{SMS}",
            "ha": f"bata|rasa|goge|manta|sake {CODE}|{SMS}",
        },
    ),
    Meaning(
        "plan",
        {
            "en": "plan|instalment|instalments|installment|installments|schedule\nnext|due|when pay|payment",
            "sw": "mpango|awamu|marejesho|ratiba\nlini nalipa|nilipe|kulipa|nitalipa",
            "fr": "echeance|echeances|echeancier|versement|versements|mensualite|tranche\nquand payer|paie|paye",
            "pt": "prestacao|prestacoes|plano|parcela|parcelas\nquando pagar|pago",
            "ha": "tsari|kashi\nyaushe biya|biyan",
        },
    ),
    Meaning(
        "buy",
        {
            "en": "buy|buying|purchase|topup|recharge|recharging|refill|vend|pay|paying|payment|reload|renew\ntop up\n"
            f"credit|borrow|advance|loan\nadd|more {POWER}\nfinished|over|exhausted|depleted|low {POWER}|credit",
            "sw": "nunua|kununua|nunulia|ninunulie|ninunue|nitanunua|nanunua|lipa|kulipa|nilipe|lipia|nalipa|nalipaje|"
            "nitalipa|nitalipaje|nilipeje|nalipia|tunalipaje|niuzie|niuzieni|uza|uzia|ongeza|kuongeza|niongez*|mkopo|"
            "nikopesh*|kukopa|bando\n"
            "umeisha|imeisha|zimeisha|umekwisha|zimekwisha|imekwisha|yameisha|unaisha|inaisha|zinaisha\n"
            f"nipate|napata|napataje|tupate|nitapata|nitapataje umeme|luku|{CODE}",
            "fr": "acheter|achat|achete|payer|paie|paye|payez|recharger|recharge|reglement|credit|vendez|vends\n"
            f"fini|finie|finis|termine|epuise {POWER}",
            "pt": "comprar|compra|compro|pagar|pago|recarregar|recarga|carregar|venda|vende|vendem|credito|fiado\n"
            f"acabou|acabaram|terminou|acabado {POWER}",
            "ha": f"saya|sayi|sayen|sayo|sayan|biya|biyan|sayarwa\nkare|kara {POWER}",
        },
    ),
    Meaning("fault", {"pt": "falta|faltou luz|energia|corrente"}),  # behind who pays what is missing
    Meaning(
        "token",
        {
            "en": "code|codes|token|tokens|tokin|tokem\nlast|my|send|show|get|resend sms|message|msg|digits|voucher",
            "sw": "tokeni*|msimbo|misimbo|vocha",
            "fr": "jeton*|code|codes",
            "pt": "codigo*",
            "ha": "lamba|lambar|lambata|lambobi|lambobin",
        },
    ),
    Meaning(
        "agent",
        {
            "en": "agent|agents|seller|dealer|vendor\nwho|where sells|sell|shop",
            "sw": "wakala|mawakala|ajenti|muuzaji|wauzaji\nnani|wapi anauza|wanauza|duka",
            "fr": "agent|agents|vendeur|vendeurs|vendeuse|revendeur",
            "pt": "agente|agentes|vendedor|vendedora|revendedor",
            "ha": "wakili|wakilin|wakilina|ejan|ajent|dila|dillali\nwa|ina|waye sayarwa|sayar",
        },
    ),
    Meaning(
        "balance",
        {
            "en": "balance*|bal|debt|debts|owe|owed|owing|arrears|remaining|remain|left\n"
            "my|check|see|show account|status",
            "sw": "salio|deni|madeni|nadaiwa|ninadaiwa|tunadaiwa|nimebakiza|baki|zimebaki|limebaki|imebaki|bakaa\n"
            "ngapi|lini siku|itaisha|zitaisha|unaisha",
            "fr": "solde|dette|dettes|dois|reste|restent|restant",
            "pt": "saldo|divida|dividas|devo|falta|faltam|resta|restam|restante",
            "ha": "saura|balans|bashi*|rage|ragowa|ragowar",
        },
    ),
    Meaning(
        "price",
        {
            "en": "price|prices|cost|costs|tariff|rate|rates|charges|expensive\nhow much",
            "sw": "bei|gharama|tarifa|kiasi\nshilingi|pesa|hela|siku ngapi",
            "fr": "prix|tarif|tarifs|cout|coute|coutent|combien|cher",
            "pt": "preco|precos|tarifa|custa|custam|custo|quanto",
            "ha": "farashi|farashin|nawa",
        },
    ),
    Meaning(
        "call",
        {
            "en": "call|ring|phone|contact|visit|come|send|speak|talk me|us|back|someone|office|technician|here|"
            "somebody|person|manager\ntechnician|engineer|mechanic|electrician",
            "sw": "nipigi*|tupigi*|pigia|mnipigie|unipigie|nitafute|njoo|njooni|fundi|mafundi",
            "fr": "appelez|appelle|appeler|rappelez|rappelle|rappeler|contactez|venez|technicien|responsable",
            "pt": "ligue|ligar|liguem|telefone|telefonem|contacte|contactem|venham|venha|tecnico|chamem|chame",
            "ha": "kira|kirani|kiraye|kirana|kiramu|tuntube|tuntubi|injiniya|makanike",
        },
    ),
    Meaning(
        "buy",
        {
            "en": f"{ASK_EN} {POWER}\npower|electricity|units",
            "sw": f"{ASK_SW} {POWER}\numeme|luku",
            "fr": f"{ASK_FR} {POWER}\ncourant|electricite|energie",
            "pt": f"{ASK_PT} {POWER}\nenergia|credelec",
            "ha": f"{ASK_HA} {POWER}\nwuta|lantarki",
        },
    ),
    Meaning(
        "language",
        {
            "en": "english|swahili|french|portuguese|hausa\nchange|other|another|my language",
            "sw": "kiswahili|kiingereza|kingereza|kifaransa|kireno|kihausa\nbadili*|kubadili*|nyingine lugha",
            "fr": "anglais|francais|portugais|haoussa\nchanger|changez|autre langue",
            "pt": "ingles|suaili|frances|portugues|hauca\nmudar|trocar|outra lingua",
            "ha": "turanci|faransanci|harshen\ncanza|wani harshe",
        },
        most=5,
    ),
    Meaning(
        "help",
        {
            "en": "help|helping|assist|assistance|info|information|instructions|support|menu|commands|options\n"
            "how|what use|do|does|send|write|can|to",
            "sw": "msaada|nisaidi*|saidia|tusaidi*|maelekezo|jinsi|nifanye|nifanyeje|huduma|menyu",
            "fr": "aide|aidez|aider|aides|comment|assistance|info|infos|renseignement|secours|menu",
            "pt": "ajuda|ajude|ajudem|ajudar|como|informacao|informacoes|apoio|socorro|menu",
            "ha": "taimako|taimaka|taimakeni|taimake|yaya|yadda",
        },
    ),
    Meaning(
        "greeting",
        {
            "en": "hello|hi|hey|helo|hallo|hullo|greetings\ngood morning|afternoon|evening|day|night",
            "sw": "habari*|mambo|jambo|hujambo|hamjambo|shikamoo|salamu|salaam|salama|niaje|vipi|hodi",
            "fr": "bonjour|bonsoir|salut|coucou|bjr|bsr|allo",
            "pt": "ola|oi|alo\nbom|boa dia|tarde|noite",
            "ha": "sannu|barka|salam|assalamu|kwana|kwananku|gajiya|yini|wuni|lafiya",
        },
        most=7,
    ),
    Meaning(
        "thanks",
        {
            "en": "thanks|thank|thankyou|thx|tnx|thnx|ok|okay|fine|great|good|nice|received|welcome|bless|appreciate|"
            "perfect|bye|goodbye",
            "sw": "asante*|ahsante*|shukrani|shukran|nashukuru|tunashukuru|sawa|poa|nimepata|nimepokea|vizuri|safi|"
            "mbarikiwe|ubarikiwe|kwaheri",
            "fr": "merci*|remercie|super|parfait|daccord",
            "pt": "obrigad*|agradeco|recebi|tchau|otimo",
            "ha": "nagode|godiya|gode|madalla|yayi",
        },
        most=7,
    ),
)
