"use strict";

const page = document.getElementById("docs");
const darkScheme = window.matchMedia("(prefers-color-scheme: dark)");

function followColorScheme() {
  document.documentElement.classList.toggle("dark-mode", darkScheme.matches);
}

function prepareRequest(request) {
  // The page's content security policy allows only its own origin, by the host name in the address bar.
  const url = new URL(request.url, location.href);
  request.url = location.origin + url.pathname + url.search;
  // The issuer needs to know which API the token is for. Swagger UI has no field for the audience.
  const isTokenRequest = typeof request.body === "string" && request.body.startsWith("grant_type=");
  if (isTokenRequest && request.headers["Content-Type"] === "application/x-www-form-urlencoded") {
    request.body += `&audience=${encodeURIComponent(page.dataset.audience)}`;
  }
  return request;
}

followColorScheme();
darkScheme.addEventListener("change", followColorScheme);

SwaggerUIBundle({
  url: page.dataset.description,
  domNode: page,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  requestInterceptor: prepareRequest,
  // Closing the page forgets the token.
  persistAuthorization: false,
  // The badge would send the description to another host.
  validatorUrl: null,
});
