import { render } from "preact";
import { Frame } from "./frame";
import "./styles/main.css";

const root = document.getElementById("console");
if (root) {
  root.replaceChildren();
  render(<Frame />, root);
}
