#include <array>

#include "screen/vocabulary/vocabulary.hpp"

namespace countersign::screen::vocabulary {
namespace {

constexpr std::array kTerms = std::to_array<Terms>({
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
     "imagine you are|behave as"},
    {Idea::switch_on, "enter|switch to|activate|enable|turn on"},
    {Idea::unbound,
     "do anything now|jailbreak mode|jailbroken mode|god mode|dan mode|unrestricted mode|unfiltered mode|"
     "uncensored mode|evil mode|not bound by|no longer bound|free of all rules"},
    {Idea::mode,
     "developer mode|debug mode|admin mode|sudo mode|maintenance mode|root access|unrestricted|no "
     "restrictions|without restrictions|without any restrictions|unfiltered|uncensored|no filters|without "
     "filters|without any filters"},
    {Idea::persona,
     "you are now dan|you're now dan|act as dan|acting as dan|pretend to be dan|pretend you are dan|behave "
     "as "
     "dan|called dan|dan mode|do anything now|unrestricted|without restrictions|no restrictions|without any "
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
     "not visible to|must not know|should not know|must not see|stay silent about"},
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
     "the real instruction|new set of instructions|"
     "execute these instructions|obey the following|instead do this|instead, do this"},
    {Idea::follow_these,
     "follow these instructions|follow these steps|follow these rules|comply with the following"},
    {Idea::authority,
     "system override|admin override|administrator override|security override|emergency override|"
     "system command|system directive|system instruction|priority override|developer message|"
     "message from your developer|message from your developers|message from the developers|from your "
     "creators|"
     "authorized by your administrator|authorised by your administrator|"
     "highest priority instruction|overrides all previous|overrides all prior|overrides all other|overrides "
     "your|takes precedence over all|takes precedence over any|takes precedence over your|takes precedence "
     "over previous|root command|override code|override protocol"},
    {Idea::notice,
     "system notice|system update|system alert|system message|your administrator has|your operator has|your "
     "developers have|overrides all|takes precedence over"},
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
     "follow all instructions|follow any instructions|obey|"
     "execute the instructions|do what it says|do as it says|execute the commands|"
     "pipe it|execute whatever|follow what|do whatever"},
    {Idea::follow_there,
     "follow the instructions|follow the steps|carry out|comply with|execute the script|run the script|run "
     "it|execute it"},
    {Idea::there,
     "on that page|on the page|on this page|page says|page tells|it says|it tells you|found there|written "
     "there|listed there|given there|it contains|at that url|at that address|in that file|without asking|"
     "without confirmation|without confirming"},
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
});

}  // namespace

std::span<const Terms> english() { return kTerms; }

}  // namespace countersign::screen::vocabulary
