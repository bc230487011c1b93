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
  return request;
}

// Swagger UI gives these controls no name that a person could understand.
const NAMES = {
  "#auth-bearer-value": "Access token",
  "#servers": "Server",
  ".close-modal": "Close",
  ".examples-select-element": "Example",
  ".body-param__text": "Request body",
};

function assist() {
  for (const [selector, name] of Object.entries(NAMES)) {
    for (const control of page.querySelectorAll(selector)) control.ariaLabel = name;
  }
  for (const control of page.querySelectorAll("[data-param-name] :is(input, select, textarea)")) {
    control.ariaLabel = control.closest("[data-param-name]").dataset.paramName;
  }
  // Swagger UI goes from h1 to h3.
  for (const heading of page.querySelectorAll("h3, h4, h5, h6")) heading.ariaLevel = heading.tagName[1] - 1;
  // The keyboard scrolls only what has the focus.
  for (const response of page.querySelectorAll(".microlight:not(.example)")) response.tabIndex = 0;
}

const accessibility = ({ React }) => ({
  components: {
    // A link would be inside of a button, which has the same effect.
    DeepLink: ({ text }) => React.createElement("span", null, text),
  },
  wrapComponents: {
    Button: (Button) => (props) => React.createElement(Button, { ...props, "aria-label": undefined }),
    // The page has a <main>, in which Swagger UI's own one becomes a <div>.
    VersionPragmaFilter: (Filter) => ({ children, ...props }) => {
      const parts = React.Children.map(children, (part) =>
        part?.type === "main" ? React.createElement("div", part.props) : part,
      );
      return React.createElement(Filter, props, parts);
    },
  },
});

followColorScheme();
darkScheme.addEventListener("change", followColorScheme);

SwaggerUIBundle({
  url: page.dataset.description,
  domNode: page,
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [accessibility],
  syntaxHighlight: { theme: "tomorrow-night" },
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
new MutationObserver(assist).observe(page, { childList: true, subtree: true });
