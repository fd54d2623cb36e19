// validatorUrl null: nobody elsewhere is asked whether the document is valid.
SwaggerUIBundle({ url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null });
