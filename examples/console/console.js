// A console shows the inbox of whoever is logged in: load the component once, and hand it a token of the account.
// A real console has the token from its own backend, which signs it with TENURE_AUTH_SECRET or as TENURE_AUTH_JWKS_URL says.

const inbox = document.querySelector("tenure-inbox");
const form = document.querySelector("#connect");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { address, token } = Object.fromEntries(new FormData(form));
  await import(`${address}/tenure-inbox.js`); // or <script type="module" src="https://notices.example/tenure-inbox.js">
  inbox.token = token;
});

// The token has ended: get a fresh one from the backend, and hand it over in the same way.
inbox.addEventListener("unauthorized", () => form.elements.token.focus());

// The count is there for whatever else the console wants to do with it.
inbox.addEventListener("unread", ({ detail }) => {
  document.title = detail ? `(${detail}) Northwind Cloud` : "Northwind Cloud";
});
