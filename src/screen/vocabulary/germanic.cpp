#include <array>

#include "screen/vocabulary/vocabulary.hpp"

namespace countersign::screen::vocabulary {
namespace {

constexpr std::array kTerms = std::to_array<Terms>({
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
});

}  // namespace

std::span<const Terms> germanic() { return kTerms; }

}  // namespace countersign::screen::vocabulary
