"use strict";

const page = document.getElementById("docs");
const darkness = window.matchMedia("(prefers-color-scheme: dark)");

function followColourScheme() {
  document.documentElement.classList.toggle("dark-mode", darkness.matches);
}

function prepareRequest(request) {
  // The page's policy allows only its own origin, under whichever name the page was opened.
  const url = new URL(request.url, location.href);
  request.url = location.origin + url.pathname + url.search;
  // An issuer wants to know which API a token is for, and Swagger UI has no field to say it in.
  const isTokenRequest = typeof request.body === "string" && request.body.startsWith("grant_type=");
  if (isTokenRequest && request.headers["Content-Type"] === "application/x-www-form-urlencoded") {
    request.body += `&audience=${encodeURIComponent(page.dataset.audience)}`;
  }
  return request;
}

followColourScheme();
darkness.addEventListener("change", followColourScheme);

SwaggerUIBundle({
  url: page.dataset.description,
  domNode: page,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  requestInterceptor: prepareRequest,
  // What is pasted here is gone when the page is.
  persistAuthorization: false,
  // The badge would tell another host what is described here.
  validatorUrl: null,
});
