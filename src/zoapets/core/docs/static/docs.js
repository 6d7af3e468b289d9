"use strict";

// The reader speaks English only; what it says around the document is put into Portuguese as it appears.
const WORDS = new Map(Object.entries({
  "Authorize": "Entrar",
  "Authorized": "Conectado",
  "Available authorizations": "Autenticação",
  "Cancel": "Cancelar",
  "Clear": "Limpar",
  "Close": "Fechar",
  "Code": "Código",
  "Collapse all": "Recolher tudo",
  "Controls": "Define o cabeçalho",
  "Copied": "Copiado",
  "Curl": "cURL",
  "Description": "Descrição",
  "Details": "Detalhes",
  "Download": "Baixar",
  "Edit Value": "Editar",
  "Example Value": "Exemplo",
  "Example value": "Exemplo",
  "Examples": "Exemplos",
  "Execute": "Executar",
  "Expand all": "Expandir tudo",
  "header.": " ",
  "Headers": "Cabeçalhos",
  "Headers:": "Cabeçalhos:",
  "Links": "Ligações",
  "LOADING": "Carregando…",
  "Loading...": "Carregando…",
  "Logout": "Sair",
  "Media type": "Tipo de conteúdo",
  "Name": "Nome",
  "No links": "Nenhuma",
  "No parameters": "Nenhum parâmetro",
  "Parameter content type": "Tipo de conteúdo",
  "Parameters": "Parâmetros",
  "Request body": "Corpo da requisição",
  "Request duration": "Duração",
  "Request URL": "Endereço chamado",
  "Reset": "Restaurar",
  "Response body": "Corpo da resposta",
  "Response headers": "Cabeçalhos da resposta",
  "Responses": "Respostas",
  "Schema": "Esquema",
  "Schemas": "Esquemas",
  "Send empty value": "Enviar vazio",
  "Server response": "Resposta do servidor",
  "Try it out": "Experimentar",
  "Type": "Tipo",
  "Undocumented": "Não documentada",
  "Value": "Valor",
  "Value:": "Valor:",
}));
const QUOTED = "pre, code, textarea, .renderedMarkdown, .opblock-summary-description, td .parameter__name";

function translate(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = root.nodeType === Node.TEXT_NODE ? root : walker.nextNode(); node; node = walker.nextNode()) {
    const said = node.nodeValue.trim();
    const word = WORDS.get(said);
    // The text node stays the reader's own: only its value changes.
    if (word !== undefined && !node.parentElement?.closest(QUOTED)) {
      node.nodeValue = node.nodeValue.replace(said, word);
    }
  }
  for (const input of root.querySelectorAll?.("input.operation-filter-input") ?? []) {
    input.placeholder = "Filtrar por grupo: pets, tutores…";
  }
}

const reader = document.getElementById("api");
new MutationObserver((changes) => {
  for (const change of changes) {
    if (change.type === "characterData") translate(change.target);
    for (const node of change.addedNodes) translate(node);
  }
}).observe(reader, { childList: true, subtree: true, characterData: true });

const ui = SwaggerUIBundle({
  domNode: reader,
  url: "/openapi.json",
  validatorUrl: null,
  deepLinking: true,
  docExpansion: "none",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
  // Whoever enters here is signed in for all that follows.
  responseInterceptor(response) {
    if (response.ok && /\/auth\/(login|refresh)$/.test(new URL(response.url, location.href).pathname)) {
      const schema = { type: "http", scheme: "bearer" };
      ui.authActions.authorizeWithPersistOption({
        bearer: { name: "bearer", schema, value: JSON.parse(response.text).accessToken },
      });
    }
    return response;
  },
});
