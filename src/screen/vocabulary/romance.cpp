#include <array>

#include "screen/vocabulary/vocabulary.hpp"

namespace countersign::screen::vocabulary {
namespace {

constexpr std::array kTerms = std::to_array<Terms>({
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
});

}  // namespace

std::span<const Terms> romance() { return kTerms; }

}  // namespace countersign::screen::vocabulary
