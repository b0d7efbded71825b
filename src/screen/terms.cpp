#include "screen/terms.hpp"

#include <array>

namespace countersign::screen {
namespace {

// In natural spelling; they are folded like the text they are looked for in.
constexpr std::array kTerms = std::to_array<Terms>({
    // English
    {Idea::ignore,
     "ignore|ignoring|ignored|disregard*|forget|override|overrides|overriding|bypass|bypassing|neglect|"
     "discard|"
     "do not follow|don't follow|stop following|pay no attention to|supersede*"},
    {Idea::all, "all|any|every|everything|your|the entire|whatever"},
    {Idea::prior,
     "previous|previously|prior|above|earlier|preceding|foregoing|before|original|existing|current|initial"},
    {Idea::mine, "my|our|i gave|i sent|we sent|we gave"},
    {Idea::instruct,
     "instruction|instructions|directive|directives|guideline|guidelines|rules|prompt|prompts|programming|"
     "training|"
     "constraints|restrictions|safety policies|safety policy|safeguards|orders|system message|commands"},
    {Idea::ai,
     "ai|a.i.|llm|llms|chatgpt|gpt|gpt-4|gpt-5|claude|gemini|copilot|language model|ai assistant|ai agent|ai "
     "agents|"
     "ai model|ai system|chatbot|virtual assistant|email assistant|mail assistant|automated assistant|email "
     "agent|"
     "mail agent|assistant|the agent|autonomous agent|artificial intelligence|bot"},
    {Idea::ai_called,
     "if you are an ai assistant|if you are an ai model|if you are an ai agent|if you are an ai system|"
     "if you are an ai language model|if you are an ai,|if you are an llm|if you are a language model|"
     "if you're an ai|if you are a large language model|if an ai|if a language model|attention ai|attention, "
     "ai|"
     "attention llm|attention assistant|note to ai|note to the ai|note to llm|note for ai|note for the ai|"
     "note to assistant|note for assistant|note to the assistant|dear ai|dear ai assistant|dear language "
     "model|"
     "hey ai|hello ai|to the ai|to any ai|to all ai|for ai assistants|for ai agents|for the ai|"
     "for any ai|ai assistants reading|ai agents reading|ai reading this|llm reading this|assistant reading "
     "this|"
     "agent reading this|model reading this|instructions for ai|instructions for the ai|instructions to ai|"
     "instruction for ai|instructions for the assistant|instructions for the agent|instructions for llm|"
     "as an ai language model|as an ai assistant|as an ai agent|as the ai assistant|you are an ai|message to "
     "ai|"
     "message for ai|message for the ai|important for ai|ai instruction|ai instructions|ai assistant:|ai "
     "agent:|"
     "assistant instruction|llm instruction|llm instructions|agent instruction|agent instructions|"
     "ai system processing|ai processing this|automated system processing|when summarizing this email|"
     "when summarising this email|when processing this email|when you summarize this|when you process this|"
     "while processing this email"},
    {Idea::you_are,
     "you are now|you're now|you will now|from now on you|from now on, you|act as|acting as|pretend to be|"
     "pretend you are|pretend that you|pretend|roleplay as|role-play as|role play|simulate|you are no longer|"
     "imagine you are|enter|switch to|activate|enable|behave as"},
    {Idea::persona,
     "dan|do anything now|unrestricted|without restrictions|no restrictions|without any "
     "restrictions|jailbroken|"
     "jailbreak mode|developer mode|debug mode|god mode|admin mode|sudo mode|maintenance "
     "mode|unfiltered|uncensored|"
     "no filters|without filters|without any filters|no ethical|without ethical|no rules|no limits|without "
     "limits|evil twin|"
     "evil assistant|free of all rules|not bound by|no longer bound|root access|no longer an assistant"},
    {Idea::conceal,
     "do not tell|don't tell|do not inform|don't inform|do not mention|don't mention|do not notify|don't "
     "notify|"
     "do not reveal|don't reveal|do not alert|don't alert|do not disclose|do not let|don't let|without "
     "telling|"
     "without informing|without notifying|without mentioning|without alerting|never mention|never tell|hide "
     "this from|"
     "keep this from|keep it from|secretly|conceal this from|do not report|don't report|do not show|don't "
     "show|"
     "not visible to|must not know|should not know|must not see|stay silent about|silently"},
    {Idea::owner,
     "the user|your user|user|users|the human|your human|humans|your owner|the owner|the operator|your "
     "operator|"
     "your principal|your principals|mailbox owner|account owner|the reviewer|your reviewer|your "
     "boss|administrator|"
     "your developer"},
    {Idea::reveal,
     "reveal|print|output|repeat|show me|display|tell me|write out|disclose|dump|leak|recite|what is|what "
     "are|"
     "reply with|respond with"},
    {Idea::system_prompt,
     "your system prompt|your prompt|your initial prompt|your instructions|your initial instructions|"
     "hidden instructions|hidden prompt|your configuration|your rules|your guidelines|your original "
     "instructions|"
     "your system message|internal instructions|secret instructions|your developer message|your tools|"
     "text above|everything above|words above"},
    {Idea::prompt_term,
     "system prompt|system prompts|initial prompt|original instructions|developer message|tool "
     "definitions|available tools"},
    {Idea::new_task,
     "your new task|your real task|your actual task|your only task|your task is now|your new goal|your true "
     "goal|"
     "your new instructions|new instructions:|new instruction:|updated instructions:|here are your new|"
     "new system instructions|your new directive|"
     "instead, you must|instead you must|instead, you will|instead do the following|real instructions|"
     "the real instruction|new set of instructions|follow these instructions|follow these steps exactly|"
     "execute these instructions|obey the following|comply with the following|instead do this|instead, do "
     "this"},
    {Idea::authority,
     "system override|admin override|administrator override|security override|emergency override|system "
     "notice|"
     "system update|system alert|system message|system command|system directive|system instruction|priority "
     "override|developer message|"
     "message from your developer|message from your developers|message from the developers|from your "
     "creators|"
     "authorized by your administrator|authorised by your administrator|your administrator has|"
     "your operator has|your developers have|highest priority instruction|overrides all|takes precedence "
     "over|root command|override code|override protocol"},
    {Idea::act,
     "you must|you have to|you should now|reply with|respond with|respond only|answer "
     "only|output|forward|send|click|"
     "execute|run|approve|call|invoke|summarize|summarise|say that|state that|always|do not "
     "mention|mark|delete|transfer|recommend|rate|"
     "score|rank|classify|visit|open|download|include|reveal|insert|add|write|begin|your response|your "
     "reply|use the|"
     "use your|tool|pay|wire|purchase|buy|grant|export"},
    {Idea::control_token,
     "<|im_start|>|<|im_end|>|<|system|>|<|user|>|<|assistant|>|<|endoftext|>|<|eot_id|>|<|start_header_id|>|"
     "<|end_header_id|>|<|begin_of_text|>|<|channel|>|[inst]|[/inst]|<<sys>>|<</sys>>|[system]|[/system]|"
     "<system>|</system>|<system_prompt>|</system_prompt>|<start_of_turn>|<end_of_turn>|### system|### "
     "instruction|"
     "###instruction|### new instructions|<assistant>|</assistant>|[system prompt]|{{#system|<developer>|"
     "<system-reminder>|</system-reminder>"},
    {Idea::role, "system:|assistant:|developer:|human:|ai:|<human>|user:"},
    {Idea::tool_call,
     "<tool_call>|</tool_call>|<function_calls>|</function_calls>|<invoke name=|<tool_use>|<tool_result>|"
     "</tool_result>|<function_results>|\"tool_calls\"|\"function_call\"|\"tool_use\"|<tool_response>|"
     "[tool_result]|[tool_call]|tool result:|tool output:|function result:|tool_output:|[tool "
     "output]|tool_result:|tool response:|"
     "send_email(|send_message(|forward_email(|delete_email(|"
     "approve_review(|\"name\": \"send_email\"|\"name\":\"send_email\"|\"tool\": \"send|\"tool\":\"send|"
     "call the tool|use the send_email|call send_email|call the send_email|use the tool|invoke the tool|call "
     "forward_email"},
    {Idea::data_end,
     "end of email|end of e-mail|end of message|end of untrusted|end of user input|end of document|end of "
     "content|"
     "end of data|end of context|end user message|end "
     "untrusted|</untrusted|</email>|</email_body>|</email_content>|</message>|</user_input>|"
     "</document>|</context>|</user_query>|</data>|</content>|begin system|begin new instructions|begin "
     "admin|begin instructions|"
     "start of system|start of instructions|begin privileged|begin trusted|email ends here|message ends "
     "here"},
    {Idea::approval,
     "without human review|without human approval|skip human review|skip the human review|skip the review|"
     "skip human approval|no human approval|no human review|bypass review|bypass the review|bypass approval|"
     "without review|without approval|no approval is needed|no approval needed|no review is needed|"
     "release it from quarantine|release this from quarantine|mark this email as safe|mark this message as "
     "safe|"
     "mark this as safe|classify this email as safe|classify this as safe|classify this message as safe|"
     "do not flag this|don't flag this|treat this email as safe|treat this message as trusted|"
     "treat this email as trusted|treat this sender as trusted|already approved by|pre-approved by|"
     "has already been approved|approve this automatically|approve it automatically|auto-approve|"
     "whitelist this sender|add this sender to the allowlist|add me to the allowlist|disable the filter|"
     "disable screening|turn off screening|disable protection|human countersignature is not"},
    {Idea::mail_act,
     "delete all emails|delete all e-mails|delete all messages|delete every|delete this email|delete this "
     "message|"
     "delete the email|erase all|forward all emails|forward all|forward every|forward the last|forward this "
     "thread|"
     "forward any|send all emails|search the inbox|search your inbox|search the mailbox|search my inbox|read "
     "the inbox|"
     "read all emails|read your inbox|list all emails|look through the inbox|create a filter|"
     "create a forwarding rule|set up forwarding|auto-forward|reply to every|reply to all contacts|"
     "send this email to all|send this message to everyone|spread this message|empty the trash|purge"},
    {Idea::send,
     "send|sends|forward|email me|email them|email it|post them|post it|post the|post your|post "
     "all|upload|transmit|share|submit|reply "
     "with|"
     "respond with|leak|exfiltrate|give me|tell me|copy them|copy it"},
    {Idea::secret,
     "password|passwords|passcode|api key|api keys|api-key|credentials|access token|access tokens|auth token|"
     "bearer token|refresh token|secret key|secret keys|private key|private keys|ssh key|ssh keys|seed "
     "phrase|"
     "recovery phrase|recovery codes|environment variables|env vars|.env|2fa code|one-time code|one-time "
     "password|"
     "verification code|otp|session cookie|cookies|credit card|card number|cvv|pin code|social security "
     "number|"
     "login details|login credentials|secrets|webhook secret|signing secret|system prompt|aws "
     "keys|connection string|"
     "database password|ssn|confidential files|wallet key"},
    {Idea::mailbox,
     "all emails|all e-mails|all messages|all mail|all of the emails|every email|every message|the last ten "
     "emails|last 10 emails|last five emails|"
     "last 5 emails|last 20 emails|last 50 emails|recent emails|latest emails|inbox contents|contents of the "
     "inbox|"
     "contents of your inbox|the entire inbox|entire mailbox|the whole mailbox|mailbox contents|contact list|"
     "address book|list of contacts|all contacts|contacts list|customer list|list of customers|conversation "
     "history|"
     "chat history|message history|emails in the inbox|emails in this inbox|emails in your inbox|"
     "your inbox|unread emails|previous emails|other emails|other people's emails|all attachments|every "
     "attachment|all documents|"
     "emails containing|emails that mention|emails with the word|messages containing|internal "
     "documents|customer data|"
     "names and addresses|this mailbox|this inbox"},
    {Idea::append,
     "append|appended|as a query parameter|as query parameter|as a parameter|in the url|into the url|to the "
     "url|"
     "in the query string|encode it in|encoded in base64|base64-encode|base64 encode|url-encode|url encode|"
     "replace the placeholder|substitute|fill in the placeholder|render this image|render the image|"
     "include this image|display this image|as an image|markdown image|insert the"},
    {Idea::conversation,
     "conversation|the chat|this thread|the thread|the context|your context|context window|the data|the "
     "contents|"
     "user data|personal data|the user's|summary of|what you know|your memory|message text|the secret|the "
     "emails|your notes"},
    {Idea::fetch, "visit|fetch|download|open|navigate to|browse to|go to|load|retrieve|curl|wget|access"},
    {Idea::follow,
     "follow the instructions|follow all instructions|follow any instructions|follow the steps|obey|carry "
     "out|"
     "execute the instructions|do what it says|do as it says|execute the commands|execute the script|run the "
     "script|"
     "run it|execute it|pipe it|execute whatever|follow what|comply with|do whatever"},
    {Idea::drop,
     "webhook.site|requestbin|requestcatcher|pipedream.net|ngrok.io|ngrok-free.app|ngrok.app|beeceptor|"
     "hookbin|"
     "interact.sh|oast.|burpcollaborator|dnslog|canarytokens|postb.in|pastebin.com|transfer.sh|file.io|"
     "trycloudflare.com|serveo.net"},
    {Idea::urgent,
     "urgent|urgently|immediately|within 24 hours|within 48 hours|within 12 hours|in the next 24 "
     "hours|suspended|"
     "suspension|will be locked|has been locked|has been limited|temporarily limited|restricted|will "
     "expire|expires today|will be closed|will be deleted|deactivated|terminated|final notice|final "
     "warning|last warning|"
     "last reminder|unusual activity|suspicious activity|unusual "
     "sign-in|unauthorized|unauthorised|permanently|action required|"
     "immediate action|asap|right away|failure to|avoid interruption|before it is too late|storage is "
     "full|quota exceeded|on hold|could not be delivered"},
    {Idea::account,
     "verify your account|verify your identity|confirm your identity|confirm your account|confirm your "
     "password|"
     "update your payment|update your billing|billing information|payment information|verify your "
     "information|"
     "validate your account|validate your mailbox|re-validate|revalidate|restore access|restore your "
     "account|reactivate|unlock your account|"
     "your password|your credentials|log in to|login to|sign in to|sign in with|log in with|your bank "
     "account|your card|"
     "keep your account|keep the same password|keep your password|confirm your details|verify your "
     "details|customs fee|redelivery fee|"
     "delivery fee|wallet|verify your email|release your messages|upgrade your mailbox|re-authenticate"},
    {Idea::click,
     "click|click here|link|button|sign in|log in|login|follow the link|tap|scan the qr|qr code|open the "
     "attached|attachment|portal|below"},
    {Idea::money,
     "wire transfer|bank transfer|wire|payment|pay the "
     "invoice|invoice|transfer|funds|remittance|iban|routing number|"
     "swift|outstanding balance|bitcoin|btc|crypto|usdt|purchase"},
    {Idea::gift_card,
     "gift card|gift cards|itunes cards|google play cards|steam cards|scratch the back|voucher codes|prepaid "
     "cards"},
    {Idea::bank,
     "new bank details|new bank account|changed our bank|changed bank|change of bank|updated bank "
     "details|bank details have changed|"
     "our bank account has changed|new account details|new iban|updated account|updated banking|new banking|"
     "change my direct deposit|update my direct deposit|direct deposit|payroll details|our account is under "
     "audit"},
    {Idea::secrecy,
     "confidential|keep this between us|between us|discreet|don't call|do not call|can't talk|cannot talk|in "
     "a meeting|"
     "only by email|do not discuss|quietly|surprise|can't take calls|cannot take calls|private matter"},
    {Idea::prize,
     "you have won|you've won|lottery|inheritance|next of kin|beneficiary|million dollars|million "
     "usd|million euros|unclaimed|"
     "claim your prize|claim your reward|selected winner|late client|dormant account|release of the funds"},
    {Idea::never,
     "never|we will not ask|we won't ask|nobody will ask|no one will ask|do not share|don't share|do not "
     "send|don't send|"
     "please don't|must not be|should never|do not enter|do not reply to|without sharing|rather than "
     "sending|instead of sending|not ask you"},
    {Idea::discuss,
     "prompt injection|prompt-injection|prompt "
     "injections|jailbreaks|jailbreaking|attacker|attackers|researcher|"
     "researchers|vulnerability|vulnerabilities|adversarial|red team|red-team|red teaming|payload|payloads|"
     "mitigation|mitigations|test case|test cases|unit test|regression "
     "test|assert|owasp|cve|example|examples|"
     "malicious|detector|detection|classifier|threat|attack|attacks|security team|newsletter|paper|benchmark|"
     "pull request|merge request|commit|phishing|training module|false positive|blog "
     "post|angriff|angriffe|angreifer|forscher|"
     "sicherheitslucke|attaquant|attaquants|chercheurs|attaque|atacante|atacantes|investigadores|ataque|"
     "attaccante|attaccanti|ricercatori|onderzoekers|aanvaller|aanvallers|pesquisadores|атака|атаки|"
     "исследователи|злоумышленник*|攻击者|研究人员|提示注入|攻撃者|研究者|プロンプトインジェクション"},
    {Idea::rot13, "vtaber|vafgehpgvbaf|cerivbhf|qvfertneq|cebzcg|sbejneq|cnffjbeq|flfgrz|nffvfgnag"},
    {Idea::reversed, "erongi|snoitcurtsni|suoiverp|dragersid|tpmorp|drawrof|drowssap|tnatsissa"},
    {Idea::url, "http*|https*|www.*"},
    // German
    {Idea::ignore,
     "ignoriere|ignorieren|ignoriert|missachte|missachten|vergiss|vergessen|überschreibe|umgehe|nicht "
     "beachten|verwirf"},
    {Idea::all, "alle|alles|sämtliche|jegliche|deine|deinen|ihre"},
    {Idea::prior,
     "vorherigen|vorherige|bisherigen|bisherige|vorigen|obigen|obenstehenden|früheren|vorangegangenen|"
     "ursprünglichen|zuvor"},
    {Idea::mine, "meine|meinen|unsere|unseren"},
    {Idea::instruct,
     "anweisung|anweisungen|instruktionen|vorgaben|regeln|richtlinien|befehle|systemprompt|"
     "eingabeaufforderung|vorschriften"},
    {Idea::ai, "ki|ki-assistent|ki-agent|ki-modell|sprachmodell|assistent|künstliche intelligenz"},
    {Idea::ai_called,
     "wenn du eine ki|falls du eine ki|wenn sie eine ki|falls sie eine ki|achtung ki|hinweis an ki|hinweis "
     "für ki|hinweis an die ki|an die ki|"
     "an den ki-assistenten|an alle ki|du bist eine ki|anweisung für ki|anweisungen für ki|an das "
     "sprachmodell|für ki-assistenten|an den ki-agenten"},
    {Idea::you_are,
     "du bist jetzt|du bist nun|ab jetzt bist du|ab sofort bist du|tu so als|verhalte dich wie|spiele die "
     "rolle"},
    {Idea::persona,
     "ohne einschränkungen|uneingeschränkt*|ohne regeln|ohne filter|entwicklermodus|keine regeln"},
    {Idea::conceal,
     "sag dem|sage dem|sage es nicht|erwähne nicht|erwähne dies nicht|nicht erwähnen|informiere nicht|ohne "
     "den|ohne dem|teile dem|verschweige|"
     "verrate nicht|heimlich|verheimliche|erwähne das nicht"},
    {Idea::owner, "benutzer|nutzer|anwender|dem nutzer|den nutzer|inhaber|betreiber|postfachinhaber"},
    {Idea::reveal, "zeige|nenne|gib aus|gib mir|wiederhole|verrate|drucke"},
    {Idea::system_prompt, "deinen systemprompt|systemprompt|deine anweisungen|system-prompt|deine regeln"},
    {Idea::new_task,
     "deine neue aufgabe|deine neuen anweisungen|neue anweisungen:|neue anweisung:|befolge "
     "stattdessen|stattdessen sollst du|deine eigentliche aufgabe"},
    {Idea::act,
     "du musst|antworte|antworte "
     "nur|leite|sende|schicke|lösche|genehmige|überweise|führe|klicke|rufe|bestätige|schreibe|empfiehl"},
    {Idea::approval,
     "ohne prüfung|ohne freigabe|ohne menschliche prüfung|überspringe die prüfung|als sicher einstufen|stufe "
     "diese nachricht als sicher|gib sie frei"},
    {Idea::mail_act,
     "leite alle|lösche alle|lösche diese|durchsuche das postfach|durchsuche den posteingang"},
    {Idea::send,
     "sende|senden|schicke|schicken|leite|weiterleiten|übermittle|übermitteln|teile mir|maile|kopiere|lade"},
    {Idea::secret,
     "passwort|passwörter|kennwort|kennwörter|zugangsdaten|api-schlüssel|geheime "
     "schlüssel|zugriffstoken|kreditkarte*|anmeldedaten|geheimnisse|tan|bestätigungscode"},
    {Idea::mailbox,
     "alle e-mails|alle mails|alle nachrichten|letzten e-mails|letzten zehn "
     "e-mails|kontaktliste|adressbuch|alle kontakte|posteingang|kundenliste|postfachs|dieses "
     "postfach|gesprächsverlauf"},
    {Idea::urgent,
     "dringend|sofort|umgehend|innerhalb von 24 stunden|innerhalb von 48 "
     "stunden|gesperrt|eingeschränkt|läuft ab|letzte mahnung|letzte warnung|ungewöhnliche aktivität*|wird "
     "gelöscht|unverzüglich|deaktiviert"},
    {Idea::account,
     "bestätigen sie ihre|bestätigen sie ihr|verifizieren sie|ihr konto|ihres kontos|ihre zugangsdaten|ihr "
     "passwort|zahlungsdaten|ihre daten|zollgebühr|anmelden um|pushtan"},
    {Idea::click, "klicken|klicken sie|link|anmelden|einloggen|schaltfläche|hier"},
    {Idea::bank,
     "neue bankverbindung|bankverbindung hat sich geändert|bankverbindung geändert|neue iban|neue "
     "kontoverbindung|geänderte bankverbindung|kontoverbindung geändert"},
    {Idea::money, "überweisung|überweisen|rechnung|zahlung|zahlungen|betrag"},
    {Idea::gift_card, "gutscheinkarte*|geschenkkarte*"},
    {Idea::secrecy, "vertraulich|nicht anrufen|in einer besprechung|im meeting|diskret|unter uns"},
    {Idea::never, "niemals|nie|fragen wir nicht|geben sie nicht|teilen sie nicht"},
    // French
    {Idea::ignore,
     "ignorez|ignore|ignorer|oubliez|oublie|oublier|ne tiens pas compte|ne tenez pas "
     "compte|contourne|contournez|fais abstraction"},
    {Idea::all, "toutes|tous|toute|tes|vos"},
    {Idea::prior,
     "précédentes|précédente|précédents|antérieures|antérieurs|ci-dessus|initiales|d'origine|existantes"},
    {Idea::mine, "mes|nos|mon"},
    {Idea::instruct, "instructions|consignes|directives|règles|ordres"},
    {Idea::ai, "ia|assistant ia|agent ia|modèle de langage|intelligence artificielle"},
    {Idea::ai_called,
     "si vous êtes une ia|si tu es une ia|si vous êtes un assistant|si tu es un assistant|si vous êtes un "
     "modèle|si tu es un modèle|attention ia|note à l'ia|note pour l'ia|à l'attention de l'ia|tu es une "
     "ia|instructions pour l'ia|message à l'ia|aux assistants ia|à l'assistant ia|à l'agent ia"},
    {Idea::you_are,
     "tu es maintenant|tu es désormais|vous êtes désormais|vous êtes maintenant|fais semblant|agis "
     "comme|comporte-toi"},
    {Idea::persona,
     "sans restriction|sans restrictions|sans limites|sans filtre|sans aucune règle|mode développeur"},
    {Idea::conceal,
     "ne dis pas|ne dites pas|ne le dis pas|n'informe pas|n'informez pas|ne mentionne pas|ne mentionnez "
     "pas|sans prévenir|sans informer|sans le dire|ne révèle pas|en secret|discrètement|ne préviens pas"},
    {Idea::owner, "l'utilisateur|utilisateur|le propriétaire|propriétaire|l'opérateur|utilisateurs"},
    {Idea::reveal, "affiche|affichez|révèle|révélez|répète|montre|montrez|donne"},
    {Idea::system_prompt, "prompt système|invite système|tes instructions|vos instructions|tes consignes"},
    {Idea::new_task,
     "ta nouvelle tâche|votre nouvelle tâche|ta nouvelle mission|votre nouvelle mission|nouvelles "
     "instructions :|nouvelles instructions:|nouvelles consignes|ta véritable tâche|à la place, tu dois"},
    {Idea::act,
     "tu dois|vous "
     "devez|réponds|répondez|transfère|transférez|envoie|envoyez|supprime|supprimez|approuve|approuvez|"
     "exécute|exécutez|clique|appelle|recommande"},
    {Idea::approval,
     "sans validation humaine|sans approbation|sans relecture|sans contrôle humain|considère ce message "
     "comme sûr|marque ce message comme sûr"},
    {Idea::mail_act,
     "transfère tous|transférez tous|supprime tous|supprimez tous|supprime ce message|parcours la boîte"},
    {Idea::send,
     "envoie|envoyez|envoyer|transfère|transférez|transférer|transmets|transmettez|partage|communiquez|copie|"
     "copiez"},
    {Idea::secret,
     "mot de passe|mots de passe|clé api|clés api|clés d'api|identifiants|jeton d'accès|jetons d'accès|clé "
     "privée|clés privées|code de vérification|carte bancaire|numéro de carte"},
    {Idea::mailbox,
     "tous les e-mails|tous les emails|tous les courriels|tous les messages|les derniers messages|les "
     "derniers e-mails|les dix derniers|carnet d'adresses|liste de contacts|tous les contacts|boîte de "
     "réception|liste des clients|l'historique"},
    {Idea::urgent,
     "urgent|urgence|immédiatement|sous 24 heures|sous 48 heures|dans les 24 "
     "heures|suspendu|suspendue|bloqué|bloquée|limité|expirera|expire|dernier rappel|dernier avis|activité "
     "inhabituelle|sans délai|sera supprimé"},
    {Idea::account,
     "vérifiez votre compte|confirmez votre identité|vérifiez votre identité|confirmez vos|votre compte|vos "
     "identifiants|votre mot de passe|vos informations|frais de douane|frais de livraison|mettre à jour "
     "vos|vos coordonnées bancaires|carte vitale"},
    {Idea::click, "cliquez|lien|connectez-vous|bouton|se connecter|ci-dessous"},
    {Idea::bank,
     "nouvelles coordonnées bancaires|nouveau rib|changement de rib|changement de coordonnées "
     "bancaires|nouveau compte bancaire|nouvel iban"},
    {Idea::money, "virement|paiement|facture|règlement|montant"},
    {Idea::gift_card, "cartes cadeaux|carte cadeau|cartes-cadeaux"},
    {Idea::secrecy,
     "confidentiel|confidentielle|en réunion|ne m'appelez pas|ne m'appelle pas|discrétion|entre nous"},
    {Idea::never, "jamais|ne vous demandera|ne communiquez"},
    // Spanish
    {Idea::ignore, "ignora|ignore|ignorar|olvida|olvide|olvidar|omite|descarta|haz caso omiso|no sigas"},
    {Idea::all, "todas|todos|cualquier|tus|sus"},
    {Idea::prior, "anteriores|anterior|previas|previos|previa|de arriba|originales"},
    {Idea::mine, "mis|nuestras|nuestros|mi"},
    {Idea::instruct, "instrucciones|instrucción|indicaciones|directrices|reglas|órdenes|normas"},
    {Idea::ai, "ia|asistente de ia|agente de ia|modelo de lenguaje|asistente|inteligencia artificial"},
    {Idea::ai_called,
     "si eres una ia|si usted es una ia|si eres un asistente|si eres un modelo|atención ia|nota para la "
     "ia|nota para ia|mensaje para la ia|eres una ia|instrucciones para la ia|para el asistente de ia|a los "
     "asistentes de ia|para el agente de ia|si eres un agente"},
    {Idea::you_are,
     "ahora eres|a partir de ahora eres|a partir de ahora|finge ser|finge que|actúa como|compórtate"},
    {Idea::persona, "sin restricciones|sin límites|sin filtros|sin reglas|modo desarrollador"},
    {Idea::conceal,
     "no le digas|no digas|no informes|no menciones|no lo menciones|sin avisar|sin informar|sin decirle|no "
     "reveles|en secreto|no notifiques|no se lo digas"},
    {Idea::owner, "usuario|al usuario|el usuario|propietario|dueño|operador"},
    {Idea::reveal, "muestra|revela|imprime|repite|dime|enseña|muéstrame"},
    {Idea::system_prompt,
     "prompt del sistema|prompt de sistema|tus instrucciones|instrucciones internas|mensaje del "
     "sistema|instrucciones iniciales"},
    {Idea::new_task,
     "tu nueva tarea|tu tarea ahora|nuevas instrucciones:|tu verdadera tarea|tu nuevo objetivo|en su lugar "
     "debes|tu nueva misión"},
    {Idea::act,
     "debes|tienes que|responde|reenvía|envía|borra|elimina|aprueba|ejecuta|haz "
     "clic|llama|transfiere|recomienda|escribe"},
    {Idea::approval,
     "sin revisión|sin aprobación|sin revisión humana|marca este mensaje como seguro|clasifica este mensaje "
     "como seguro|omite la revisión"},
    {Idea::mail_act, "reenvía todos|borra todos|elimina todos|elimina este mensaje|busca en la bandeja"},
    {Idea::send,
     "envía|envíe|enviar|envíame|reenvía|reenvíe|reenviar|manda|mándame|comparte|copia|transmite|sube"},
    {Idea::secret,
     "contraseña|contraseñas|claves api|clave api|clave de api|credenciales|token de acceso|tokens de "
     "acceso|clave privada|claves privadas|código de verificación|tarjeta de crédito|datos de acceso"},
    {Idea::mailbox,
     "todos los correos|todos los mensajes|últimos correos|últimos mensajes|últimos diez correos|lista de "
     "contactos|libreta de direcciones|todos los contactos|bandeja de entrada|lista de clientes|historial "
     "de"},
    {Idea::urgent,
     "urgente|urgentemente|inmediatamente|de inmediato|en 24 horas|en las próximas 24 "
     "horas|suspendida|suspendido|bloqueada|bloqueado|limitada|caducará|último aviso|actividad "
     "inusual|actividad sospechosa|será eliminada|retenido"},
    {Idea::account,
     "verifique su cuenta|verifica tu cuenta|confirme su identidad|confirma tu identidad|confirme sus "
     "datos|su cuenta|tu cuenta|sus credenciales|su contraseña|tu contraseña|datos de pago|datos "
     "bancarios|gastos de aduana|actualice sus"},
    {Idea::click, "clic|enlace|inicie sesión|inicia sesión|pulse|botón|acceda"},
    {Idea::bank,
     "nueva cuenta bancaria|nuevos datos bancarios|cambio de cuenta bancaria|cambiado de banco|cambio de "
     "datos bancarios|nuevo iban"},
    {Idea::money, "transferencia|pago|factura|importe"},
    {Idea::gift_card, "tarjetas de regalo|tarjeta de regalo|tarjetas regalo"},
    {Idea::secrecy, "confidencial|en una reunión|no me llames|discreción|entre nosotros"},
    {Idea::never, "nunca|no comparta|no le pedirá"},
    // Portuguese
    {Idea::ignore, "desconsidere|ignora|esqueça|esquece|descarte|não siga|ignorem"},
    {Idea::all, "todas as|todos os|quaisquer|suas|seus"},
    {Idea::prior, "anteriores|prévias|acima|originais"},
    {Idea::mine, "minhas|nossas|meus"},
    {Idea::instruct, "instruções|diretrizes|regras|ordens|orientações|comandos"},
    {Idea::ai, "assistente de ia|agente de ia|modelo de linguagem|assistente|inteligência artificial"},
    {Idea::ai_called,
     "se você é uma ia|se você for uma ia|se és uma ia|se fores uma ia|atenção ia|nota para a ia|você é uma "
     "ia|instruções para a ia|mensagem para a ia|para o assistente de ia|aos assistentes de ia"},
    {Idea::you_are,
     "agora você é|você agora é|você é agora|a partir de agora|finja ser|finja que|aja como|comporte-se"},
    {Idea::persona, "sem restrições|sem limites|sem filtros|sem regras|modo desenvolvedor"},
    {Idea::conceal,
     "não conte|não diga|não informe|não mencione|sem avisar|sem informar|não revele|em segredo|não "
     "notifique"},
    {Idea::owner, "usuário|ao usuário|utilizador|ao utilizador|o dono|proprietário|operador"},
    {Idea::reveal, "mostre|revele|imprima|repita|diga"},
    {Idea::system_prompt, "prompt do sistema|suas instruções|instruções internas|instruções iniciais"},
    {Idea::new_task,
     "sua nova tarefa|a tua nova tarefa|novas instruções:|sua verdadeira tarefa|seu novo objetivo|em vez "
     "disso, você deve"},
    {Idea::act,
     "você "
     "deve|deves|responda|encaminhe|reencaminhe|envie|apague|exclua|aprove|execute|clique|transfira|"
     "recomende"},
    {Idea::approval,
     "sem revisão|sem aprovação|sem revisão humana|marque esta mensagem como segura|classifique esta "
     "mensagem como segura"},
    {Idea::mail_act, "encaminhe todos|encaminhe todas|apague todos|apague todas|exclua todos"},
    {Idea::send,
     "envie|enviar|envia|encaminhe|encaminhar|reencaminhe|mande|compartilhe|partilhe|copie|transmita"},
    {Idea::secret,
     "senha|senhas|palavra-passe|palavras-passe|chave de api|chaves de api|chave api|chaves "
     "api|credenciais|token de acesso|tokens de acesso|chave privada|código de verificação|cartão de "
     "crédito"},
    {Idea::mailbox,
     "todos os e-mails|todos os emails|todas as mensagens|últimos e-mails|últimas mensagens|lista de "
     "contatos|lista de contactos|catálogo de endereços|caixa de entrada|todos os contatos|lista de "
     "clientes"},
    {Idea::urgent,
     "urgente|imediatamente|em 24 horas|nas próximas 24 "
     "horas|suspensa|suspenso|bloqueada|bloqueado|expirará|vai expirar|último aviso|atividade "
     "incomum|atividade suspeita|será excluída|será encerrada"},
    {Idea::account,
     "verifique sua conta|verifique a sua conta|confirme sua identidade|confirme a sua identidade|confirme "
     "seus dados|sua conta|a sua conta|suas credenciais|sua senha|dados bancários|taxa de alfândega|atualize "
     "seus|chave pix"},
    {Idea::click, "clique|link|entrar|acesse|aceda|botão"},
    {Idea::bank,
     "nova conta bancária|novos dados bancários|mudança de conta bancária|mudamos de banco|alteração de "
     "dados bancários"},
    {Idea::money, "transferência|pagamento|fatura|boleto|pix"},
    {Idea::gift_card, "cartões-presente|cartão-presente|cartões presente|vale-presente"},
    {Idea::secrecy, "em reunião|não me ligue|sigilo|entre nós"},
    {Idea::never, "jamais|não compartilhe|nunca pedimos"},
    // Italian
    {Idea::ignore, "ignora|ignorate|ignori|dimentica|dimenticate|non seguire|tralascia|annulla"},
    {Idea::all, "tutte|tutti|qualsiasi|tue|tuoi|ogni"},
    {Idea::prior, "precedenti|precedente|di cui sopra|iniziali|originali"},
    {Idea::mine, "mie|nostre|miei"},
    {Idea::instruct, "istruzioni|istruzione|direttive|regole|indicazioni|ordini"},
    {Idea::ai, "assistente ia|agente ia|modello linguistico|assistente|intelligenza artificiale"},
    {Idea::ai_called,
     "se sei un'ia|se sei una ia|se sei un'intelligenza|se sei un assistente|se sei un modello|attenzione "
     "ia|nota per l'ia|sei un'ia|istruzioni per l'ia|messaggio per l'ia|all'assistente ia|agli assistenti "
     "ia|agli agenti ia"},
    {Idea::you_are, "ora sei|adesso sei|da ora in poi|fingi di essere|comportati come|agisci come"},
    {Idea::persona, "senza restrizioni|senza limiti|senza filtri|senza regole|modalità sviluppatore"},
    {Idea::conceal,
     "non dire|non dirlo|non informare|non menzionare|senza avvisare|senza informare|senza dirlo|non "
     "rivelare|di nascosto|non avvisare"},
    {Idea::owner, "utente|all'utente|l'utente|proprietario|operatore"},
    {Idea::reveal, "mostra|rivela|stampa|ripeti|dimmi"},
    {Idea::system_prompt, "prompt di sistema|tue istruzioni|istruzioni interne|istruzioni iniziali"},
    {Idea::new_task,
     "il tuo nuovo compito|tuo nuovo compito|nuove istruzioni:|il tuo vero compito|il tuo nuovo "
     "obiettivo|invece devi"},
    {Idea::act,
     "devi|rispondi|inoltra|invia|cancella|elimina|approva|esegui|clicca|trasferisci|consiglia|chiama"},
    {Idea::approval,
     "senza revisione|senza approvazione|senza revisione umana|contrassegna questo messaggio come "
     "sicuro|classifica questo messaggio come sicuro"},
    {Idea::mail_act,
     "inoltra tutte|inoltra tutti|cancella tutte|cancella tutti|elimina tutte|elimina questo messaggio"},
    {Idea::send, "invia|inviare|inviami|inoltra|inoltrare|manda|mandami|condividi|copia|trasmetti|comunica"},
    {Idea::secret,
     "password|chiave api|chiavi api|credenziali|token di accesso|chiave privata|chiavi private|codice di "
     "verifica|carta di credito|codice otp"},
    {Idea::mailbox,
     "tutte le email|tutte le e-mail|tutti i messaggi|ultime email|ultime e-mail|ultimi messaggi|elenco dei "
     "contatti|lista dei contatti|rubrica|posta in arrivo|elenco dei clienti"},
    {Idea::urgent,
     "urgente|immediatamente|subito|entro 24 ore|entro 48 "
     "ore|sospeso|bloccato|bloccata|limitato|scadrà|ultimo avviso|attività insolita|attività sospetta|verrà "
     "eliminato"},
    {Idea::account,
     "verifica il tuo account|verifichi il suo|conferma la tua identità|confermi la sua identità|conferma i "
     "tuoi dati|il tuo conto|il suo conto|il suo account|il tuo account|le tue credenziali|la tua "
     "password|dati bancari|spese doganali|aggiorni i suoi"},
    {Idea::click, "clicca|clicchi|fai clic|collegamento|accedi|acceda|pulsante"},
    {Idea::bank,
     "nuovo conto bancario|nuove coordinate bancarie|cambio di coordinate bancarie|cambiato banca|nuovo "
     "iban|coordinate bancarie sono cambiate"},
    {Idea::money, "bonifico|pagamento|fattura|importo"},
    {Idea::gift_card, "carte regalo|buoni regalo"},
    {Idea::secrecy, "riservato|riservata|in riunione|non chiamarmi|tra noi"},
    {Idea::never, "mai|non condividere|non chiediamo"},
    // Dutch
    {Idea::ignore, "negeer|negeren|vergeet|vergeten|sla over|omzeil|volg niet"},
    {Idea::all, "alle|al je|al uw|jouw|je|uw"},
    {Idea::prior, "vorige|voorgaande|eerdere|bovenstaande|oorspronkelijke|huidige"},
    {Idea::mine, "mijn|onze"},
    {Idea::instruct, "instructies|opdrachten|richtlijnen|aanwijzingen|bevelen"},
    {Idea::ai, "ai-assistent|ai-agent|taalmodel|assistent|kunstmatige intelligentie"},
    {Idea::ai_called,
     "als je een ai bent|als u een ai bent|als je een taalmodel|als je een assistent|let op ai|bericht aan "
     "ai|notitie voor ai|opmerking voor de ai|voor de ai|aan de ai|aan ai-assistenten|instructies voor ai|je "
     "bent een ai"},
    {Idea::you_are, "je bent nu|jij bent nu|u bent nu|vanaf nu ben je|doe alsof|gedraag je als"},
    {Idea::persona, "zonder beperkingen|zonder regels|zonder filters|onbeperkt*|ontwikkelaarsmodus"},
    {Idea::conceal,
     "vertel de|vertel niet|vertel het niet|meld niet|noem dit niet|zonder de|zonder het te|informeer "
     "de|stiekem|verzwijg|meld dit niet"},
    {Idea::owner, "gebruiker|de gebruiker|eigenaar|beheerder"},
    {Idea::reveal, "toon|laat zien|herhaal|onthul|geef|druk af"},
    {Idea::system_prompt, "systeemprompt|je instructies|jouw instructies|interne instructies"},
    {Idea::new_task,
     "je nieuwe taak|jouw nieuwe taak|nieuwe instructies:|je echte taak|in plaats daarvan moet je"},
    {Idea::act, "je moet|u moet|antwoord|stuur|verwijder|keur|voer uit|klik|maak over|beveel"},
    {Idea::approval,
     "zonder controle|zonder goedkeuring|zonder menselijke controle|markeer dit bericht als veilig"},
    {Idea::mail_act, "stuur alle|verwijder alle|verwijder dit bericht|doorzoek de inbox"},
    {Idea::send, "stuur|sturen|verstuur|doorsturen|verzend|deel|kopieer"},
    {Idea::secret,
     "wachtwoord|wachtwoorden|api-sleutel|api-sleutels|inloggegevens|toegangstoken|privésleutel|"
     "verificatiecode|creditcard*|geheimen"},
    {Idea::mailbox,
     "alle e-mails|alle mails|alle berichten|laatste e-mails|laatste tien "
     "e-mails|contactenlijst|adresboek|alle contacten|postvak in|klantenlijst"},
    {Idea::urgent,
     "dringend|onmiddellijk|direct|binnen 24 uur|binnen 48 "
     "uur|geblokkeerd|opgeschort|beperkt|verloopt|laatste waarschuwing|laatste herinnering|ongebruikelijke "
     "activiteit|verdachte activiteit"},
    {Idea::account,
     "verifieer uw|bevestig uw identiteit|bevestig uw gegevens|uw account|uw rekening|uw wachtwoord|uw "
     "inloggegevens|uw gegevens|betaalpas|douanekosten|uw bankpas"},
    {Idea::click, "klik|link|inloggen|log in|knop|onderstaande"},
    {Idea::bank,
     "nieuw rekeningnummer|nieuwe bankgegevens|gewijzigde bankgegevens|rekeningnummer is gewijzigd|nieuwe "
     "iban"},
    {Idea::money, "overschrijving|betaling|factuur|overboeking|bedrag"},
    {Idea::gift_card, "cadeaukaart*|cadeaubon*"},
    {Idea::secrecy, "vertrouwelijk|in een vergadering|bel me niet|onder ons"},
    {Idea::never, "nooit|deel nooit|vragen nooit"},
    // Russian
    {Idea::ignore,
     "игнорируй*|проигнорируй*|игнорировать|забудь*|забудьте|отбрось*|не обращай*|обойди|не следуй*"},
    {Idea::all, "все|всех|любые|свои|твои|ваши"},
    {Idea::prior, "предыдущие|предыдущих|прежние|прошлые|вышеуказанные|ранее|исходные"},
    {Idea::mine, "мои|наши"},
    {Idea::instruct, "инструкци*|указани*|правила|команды|директив*|распоряжения"},
    {Idea::ai, "ии|ии-ассистент*|ии-агент*|нейросет*|языковая модель|ассистент|искусственный интеллект"},
    {Idea::ai_called,
     "если ты ии|если вы ии|если ты нейросеть|если ты языковая модель|если вы языковая модель|внимание, "
     "ии|внимание ии|для ии|ты ии|сообщение для ии|если вы ассистент|если ты "
     "ассистент|ии-ассистенту|инструкция для ии"},
    {Idea::you_are, "теперь ты|ты теперь|с этого момента ты|притворись|веди себя как|представь, что ты"},
    {Idea::persona, "без ограничений|без правил|без фильтров|режим разработчика|режиме разработчика"},
    {Idea::conceal,
     "не говори*|не сообщай*|не упоминай*|не рассказывай*|без ведома|не уведомляй*|скрой*|тайно|не "
     "раскрывай*"},
    {Idea::owner, "пользовател*|владел*|оператор*"},
    {Idea::reveal, "покажи*|выведи*|раскрой*|повтори*|напечатай*|назови*"},
    {Idea::system_prompt,
     "системный промпт|системный запрос|свои инструкции|твои инструкции|системную подсказку|системные "
     "инструкции"},
    {Idea::new_task,
     "твоя новая задача|ваша новая задача|новые инструкции:|твоя настоящая задача|вместо этого ты должен"},
    {Idea::act,
     "ты должен|вы "
     "должны|ответь*|перешли*|отправь*|удали*|одобри*|выполни*|нажми*|переведи*|вызови*|сообщи*"},
    {Idea::approval,
     "без проверки|без одобрения|без проверки человеком|пометь это письмо как безопасное|отметь это письмо "
     "как безопасное"},
    {Idea::mail_act, "перешли все|удали все|удали это письмо|перешлите все"},
    {Idea::send, "отправь*|отправить|перешли*|переслать|пришли*|передай*|скопируй*|сообщите|вышли*"},
    {Idea::secret,
     "пароль|пароли|паролей|ключ api|ключи api|api-ключ*|учетные данные|токен*|закрытый ключ|код "
     "подтверждения|данные карты|номер карты|секретный ключ"},
    {Idea::mailbox,
     "все письма|всех писем|все сообщения|последние письма|последние 10 писем|список контактов|адресную "
     "книгу|все контакты|содержимое ящика|входящие|переписку|список клиентов"},
    {Idea::urgent,
     "срочно|немедленно|в течение 24 часов|в течение "
     "суток|заблокирован*|приостановлен*|ограничен*|истекает|последнее предупреждение|подозрительная "
     "активность|необычная активность|будет удален*"},
    {Idea::account,
     "подтвердите свой|подтвердите вашу|подтвердите личность|подтвердите учетную|ваш аккаунт|ваша учетная "
     "запись|вашей учетной|ваш пароль|ваши данные|данные карты|войдите в|ваш счет|ваша карта"},
    {Idea::click, "нажмите|перейдите|ссылк*|кнопк*|войдите"},
    {Idea::bank,
     "новые банковские реквизиты|новые реквизиты|изменились реквизиты|реквизиты изменились|смена реквизитов"},
    {Idea::money, "перевод|оплат*|счет|платеж*|оплатите"},
    {Idea::gift_card, "подарочные карты|подарочных карт"},
    {Idea::secrecy, "конфиденциально|на совещании|не звони*|между нами"},
    {Idea::never, "никогда|никому не сообщайте|не сообщайте"},
    // Chinese
    {Idea::ignore, "忽略|无视|忘记|忘掉|不要理会|绕过|忽視|無視"},
    {Idea::all, "所有|全部|任何|你的|一切"},
    {Idea::prior, "之前|以前|先前|上述|上面|此前|以上|前面"},
    {Idea::mine, "我之前|我们之前"},
    {Idea::instruct, "指令|指示|提示词|规则|命令|说明|規則"},
    {Idea::ai, "人工智能|大模型|语言模型|智能助手|ai助手|ai 助手|智能体|助手"},
    {Idea::ai_called,
     "如果你是ai|如果你是 "
     "ai|如果您是ai|如果你是人工智能|如果你是一个ai|如果你是语言模型|ai助手请|请ai|致ai|致 "
     "ai|ai请注意|给ai的|给ai助手的|你是一个ai"},
    {Idea::you_are, "你现在是|从现在起你是|从现在开始你|假装你是|扮演"},
    {Idea::persona, "没有限制|不受限制|无限制|开发者模式|不受约束|没有任何限制"},
    {Idea::conceal, "不要告诉|别告诉|不要通知|不要提及|不要透露|不得告知|隐瞒|秘密地|悄悄"},
    {Idea::owner, "用户|主人|所有者|管理员|使用者"},
    {Idea::reveal, "输出|显示|打印|透露|告诉我|重复|泄露"},
    {Idea::system_prompt, "系统提示|系统提示词|你的指令|你的提示词|初始指令"},
    {Idea::new_task, "你的新任务|新的指令|新指令:|新任务是|你真正的任务"},
    {Idea::act, "你必须|请回复|回复|转发|发送|删除|批准|执行|点击|转账|调用|打开|推荐"},
    {Idea::approval, "无需审核|无需人工审核|跳过审核|不需要批准|标记为安全"},
    {Idea::mail_act, "转发所有|删除所有|转发全部|删除全部"},
    {Idea::send, "发送|发给|发到|转发|寄给|提供|告知|传给"},
    {Idea::secret, "密码|密钥|api密钥|凭据|凭证|令牌|验证码|信用卡|私钥|登录信息"},
    {Idea::mailbox,
     "所有邮件|全部邮件|最近的邮件|最近10封邮件|联系人列表|通讯录|所有联系人|收件箱|所有消息|客户名单|"
     "聊天记录"},
    {Idea::urgent,
     "紧急|立即|马上|24小时内|48小时内|冻结|被锁定|将被停用|停用|异常登录|异常活动|最后通知|尽快|逾期"},
    {Idea::account,
     "验证您的账户|验证您的账号|确认您的身份|您的账户|您的账号|您的密码|登录验证|更新付款|银行卡|实名认证|"
     "验证身份"},
    {Idea::click, "点击|链接|登录|下方|扫描二维码|扫码"},
    {Idea::bank, "新的银行账户|银行账户已变更|账户变更|新的收款账户|收款账号变更"},
    {Idea::money, "转账|汇款|付款|发票|款项"},
    {Idea::gift_card, "礼品卡|购物卡"},
    {Idea::secrecy, "保密|开会|不要打电话|不方便接电话"},
    {Idea::never, "切勿|请勿|不会要求|绝不会|不要向任何人"},
    // Japanese
    {Idea::ignore, "無視|忘れて|忘れろ|従わないで|破棄"},
    {Idea::all, "すべて|全て|あらゆる|あなたの"},
    {Idea::prior, "以前|これまで|上記|前の|先の|今まで|元の"},
    {Idea::mine, "私の以前|弊社の以前"},
    {Idea::instruct, "指示|命令|ルール|プロンプト|規則|制約"},
    {Idea::ai, "人工知能|言語モデル|アシスタント|エージェント|aiアシスタント|aiエージェント"},
    {Idea::ai_called,
     "あなたがaiなら|あなたがaiであれば|もしaiなら|aiへ|aiアシスタントへ|aiアシスタントは|aiエージェントへ|"
     "aiへの指示|あなたはaiです|言語モデルへ"},
    {Idea::you_are, "あなたは今から|今からあなたは|これからあなたは|ふりをして|として振る舞"},
    {Idea::persona, "制限のない|制限なし|無制限|開発者モード"},
    {Idea::conceal,
     "言わないで|知らせないで|伝えないで|教えないで|報告しないで|秘密にして|内緒|知らせずに|通知せずに|"
     "伝えずに|触れないで"},
    {Idea::owner, "ユーザー|利用者|所有者|管理者|持ち主"},
    {Idea::reveal, "表示|出力|教えて|見せて|繰り返して|開示"},
    {Idea::system_prompt, "システムプロンプト|あなたの指示|初期指示|内部指示"},
    {Idea::new_task, "新しい指示|新しいタスク|あなたの新しい任務|本当のタスク|代わりに次の"},
    {Idea::act, "返信して|転送|送信|削除|承認|実行|クリック|送金|呼び出|開いて|推薦"},
    {Idea::approval, "確認なしで|承認なしで|審査を省略|安全としてマーク|人間の確認は不要|レビューなしで"},
    {Idea::mail_act, "すべて転送|全て転送|すべて削除|全て削除"},
    {Idea::send, "送信|送って|転送|メールで|提供|共有|お送り|お知らせください"},
    {Idea::secret,
     "パスワード|apiキー|認証情報|アクセストークン|秘密鍵|認証コード|クレジットカード|暗証番号"},
    {Idea::mailbox,
     "すべてのメール|全てのメール|全メール|最近のメール|連絡先リスト|連絡先一覧|アドレス帳|受信トレイ|"
     "すべての連絡先|顧客リスト|会話履歴"},
    {Idea::urgent,
     "緊急|至急|直ちに|24時間以内|48時間以内|停止され|制限され|ロックされ|不正アクセス|異常な|最終警告|"
     "利用停止|凍結"},
    {Idea::account,
     "アカウントを確認|アカウントの確認|本人確認|お客様のアカウント|パスワードを|お支払い情報|カード情報|"
     "ログイン情報|再認証"},
    {Idea::click, "クリック|リンク|ログイン|こちら|ボタン"},
    {Idea::bank, "振込先が変更|振込先の変更|新しい口座|口座変更|振込先口座の変更"},
    {Idea::money, "振込|送金|支払|請求書|お支払い"},
    {Idea::gift_card, "ギフトカード|ギフト券|プリペイドカード"},
    {Idea::secrecy, "内密に|極秘|会議中|電話はしないで|他言無用"},
    {Idea::never, "決して|お尋ねすることはありません|教えないでください|入力しないで"},
    // Polish and Arabic, phishing above all
    {Idea::urgent,
     "pilne|natychmiast|w ciągu 24 godzin|zablokowane|zawieszone|wygasa|عاجل|فورا|خلال 24 ساعة|تعليق|إيقاف"},
    {Idea::account,
     "zweryfikuj konto|potwierdź tożsamość|twoje konto|twoje hasło|حسابك|كلمة المرور|تأكيد هويتك"},
    {Idea::click, "kliknij|zaloguj|اضغط|الرابط|انقر"},
    {Idea::ignore, "zignoruj|ignoruj|zapomnij|تجاهل|انس"},
    {Idea::all, "wszystkie|جميع|كل"},
    {Idea::prior, "poprzednie|wcześniejsze|السابقة"},
    {Idea::instruct, "instrukcje|polecenia|zasady|التعليمات|الأوامر"},
    {Idea::send, "wyślij|prześlij|أرسل|ارسل"},
    {Idea::secret, "hasło|hasła|klucze api|كلمات المرور|مفاتيح"},
    {Idea::mailbox, "wszystkie wiadomości|listę kontaktów|جميع الرسائل|جهات الاتصال"},
    {Idea::conceal, "nie mów|nie informuj|لا تخبر"},
    {Idea::owner, "użytkownik*|użytkownikowi|المستخدم"},
});

}  // namespace

std::span<const Terms> all_terms() { return kTerms; }

}  // namespace countersign::screen
